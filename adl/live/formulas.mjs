// The recipes, which Python has checked and written with signs and functions first: "* 2 .x" is 2x,
// "@x" the x above. Each becomes a function of the row and of the row above.
const functions = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  sqrt: Math.sqrt,
  IF: (condition, yes, no) => condition ? yes : no,
  // Python's, also where one of the two is no number.
  MIN: (a, b) => b < a ? b : a,
  MAX: (a, b) => b > a ? b : a,
};

export function compile(recipe) {
  const tokens = recipe.split(' ');
  const next = () => {
    const token = tokens.shift(), name = token.slice(1), apply = functions[token];
    if (apply) {
      const values = [...Array(apply.length)].map(next);
      return (...at) => apply(...values.map(value => value(...at)));
    }
    return token[0] === '.' ? row => row[name] : token[0] === '@' ? (row, up) => up[name] : () => Number(token);
  };
  return next();
}
