// The little language of adl.formulas: a recipe that Python has checked becomes a function of the
// row and of the row above. How tightly signs bind is Python's; a comparison gives 1 or 0.
const functions = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
  '<': (a, b) => +(a < b),
  '<=': (a, b) => +(a <= b),
  '>': (a, b) => +(a > b),
  '>=': (a, b) => +(a >= b),
  '==': (a, b) => +(a === b),
  sqrt: Math.sqrt,
  IF: (condition, yes, no) => condition ? yes : no,
  // Python's, also where one of the two is no number.
  MIN: (a, b) => b < a ? b : a,
  MAX: (a, b) => b > a ? b : a,
};

const levels = [['<', '<=', '>', '>=', '=='], ['+', '-'], ['*', '/']];
const apply = (name, a, b, c) => (row, up) => functions[name](a(row, up), b?.(row, up), c?.(row, up));

export function compile(recipe) {
  const tokens = recipe.match(/@?[\p{L}_][\p{L}\p{N}_]*|[\d.]+(e[+-]\d+)?|\*\*|[<>=]=|\S/gu);
  const take = (...wanted) => wanted.includes(tokens[0]) && tokens.shift();
  const chain = (level = 0) => {
    if (!levels[level]) return factor();
    let value = chain(level + 1), sign;
    while (sign = take(...levels[level])) value = apply(sign, value, chain(level + 1));
    return value;
  };
  const factor = () => {
    if (take('-')) return apply('-', () => 0, factor());
    const base = atom();
    return take('**') ? apply('**', base, factor()) : base;
  };
  const list = () => {
    const values = [];
    do values.push(chain()); while (take(','));
    take(')');
    return values;
  };
  const atom = () => {
    if (take('(')) return list()[0];
    const token = tokens.shift(), name = token.replace('@', '');
    if (token < ':') return () => Number(token);
    if (take('(')) return apply(token, ...list());
    return name === token ? row => row[name] : (row, up) => up[name];
  };
  return chain();
}
