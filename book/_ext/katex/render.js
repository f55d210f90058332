// Reads {macros, formulas: [[tex, display], ...]} from stdin and writes [[html, null] or
// [null, error], ...] to stdout. Called once a build by adl_katex.py with the path of katex.min.js.
const katex = require(process.argv[2]);

const render = (tex, displayMode, macros) => {
  try {
    const options = {displayMode, macros: {...macros}, output: "htmlAndMathml", strict: "error"};
    return [katex.renderToString(tex, options), null];
  } catch (error) {
    return [null, String(error.message)];
  }
};

const {macros, formulas} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = formulas.map(([tex, display]) => render(tex, display, macros));
process.stdout.write(JSON.stringify(answers));
