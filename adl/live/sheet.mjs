// A sheet as Python hands it over: it fills itself down, and knows the formula of each cell. Lines
// are counted from the start, which is line 0: rows through all epochs, and epochs.
import { compile } from "./formulas.mjs";

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

export class Sheet {
  constructor(sheet, points) {
    Object.assign(this, sheet, {points});
    for (const column of [...this.columns, ...this.ends]) column.compute = column.recipe && compile(column.recipe);
    this.reset();
    this.extend(this.epochs);
  }

  // What is typed in: the inputs, with the rate of the next epoch, and the rates of epochs so far.
  reset() {
    this.values = {...this.defaults};
    this.rates = [];
  }

  // `fixed`: the sheet sets the rates of later epochs itself.
  extend(epochs, rate = this.values.rate) {
    const {rates, fixed} = this;
    for (; epochs > 0 && rates.length < 200; epochs--) rates.push(fixed && rates[0] || rate);
  }

  // Computes every cell: `rows`, and `lines`, one for each epoch.
  fill() {
    const {points, values, columns, ends, start, fixed} = this, rows = [start], lines = this.lines = [this.before];
    this.rates.forEach((typed, i) => {
      const rate = i && fixed ? lines[i].next_rate : typed, from = rows.length;
      for (const point of points) {
        const row = {...values, ...point, epoch: i + 1, rate};
        for (const {name, compute} of columns) if (compute) row[name] = compute(row, rows.at(-1));
        rows.push(row);
      }
      const these = rows.slice(from), all = {...rows.at(-1)}, {new_b, new_a} = all;
      const average = of => mean(these.map(of)), off = row => (new_b + new_a * row.x - row.y) ** 2;
      const line = {epoch: i + 1, rate, rmse_line: Math.sqrt(average(off))};
      for (const {name} of columns) all['mean_' + name] = average(row => row[name]);
      for (const {name, compute} of ends) if (compute) line[name] = all[name] = compute(all, lines[i]);
      lines.push(line);
      if (fixed) values.rate = line.next_rate;
    });
    this.rows = rows[1] ? rows : [start, ...points];
  }

  // The formula of a cell, filled down from the line for which Python has written it: the first row,
  // and the second epoch; '' for what is typed in. The table of epochs ends before column K.
  formula({name, formula = ''}, line) {
    if (name === 'rate') return formula.replace(/\d+$/, row => Number(row) + Math.ceil(line / this.points.length) - 1);
    return line ? this.down(formula, () => line - 1) : '';
  }

  endFormula({name, formula = ''}, epoch) {
    const {rates, fixed, points} = this;
    const typed = name === 'rate' ? epoch < 2 || !fixed && rates[epoch - 1] !== rates[epoch - 2] : !epoch && !/intercept|slope/.test(name);
    return typed ? '' : this.down(formula, letter => (epoch - 2) * (letter < 'K' && !letter[1] ? 1 : points.length));
  }

  // Addresses with a $ before the row stay.
  down(formula, by) {
    return formula.replace(/\b([A-Z]+)(\d+)/g, (_, letter, row) => letter + (Number(row) + by(letter)));
  }
}
