// <adl-spreadsheet>: optimisers as sheets that fill themselves down, epoch by epoch. The reader
// chooses a sheet, types rates and other inputs, runs epochs, and looks at cells and their formulas.
import { Figure, clamp, minus, short, ticks } from "./figure.mjs";
import { Sheet } from "./sheet.mjs";

const wrong = '#NUM!';
const number = value => Number.isFinite(value) ? short(value, 4) : wrong;

// A cell's text: four decimals, or an exponent where these would not do; what is counted or typed is
// as short as it is.
function cell(value = '', name) {
  if (value === '') return value;
  const size = Math.abs(value);
  if (!(size < Infinity)) return wrong;
  if (/^(epoch|row|x|y|.*rate)$/.test(name)) return short(value, 7);
  return minus(size && size < 1e-3 || size >= 1e6 ? value.toExponential(3) : value.toFixed(4));
}

// What was typed as a decimal number, undefined if it is none or out of range.
function entered(words = '', {low, high}) {
  const value = Number(words = words.trim().replace(',', '.'));
  return value >= low && value <= high && /^[^xbo]+$/i.test(words) ? value : undefined;
}

// Lines, columns and pages by which a key moves; a page is the rows of an epoch, or all epochs.
const keys = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  Home: [0, -99], End: [0, 99], PageUp: [0, 0, -1], PageDown: [0, 0, 1],
};

// Parts of pictures.
const px = p => p.map(v => v.toFixed(1));
const path = (points, kind) => `<path class="${kind}" d="${points.map((p, i) => 'ML'[i && 1] + px(p)).join('')}"/>`;
const marks = (points, kind) => `<path class="mark ${kind}" d="${points.map(p => `M${px(p)}h.01`).join('')}"/>`;
const text = (x, y, words, anchor = 'middle') => `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

class Spreadsheet extends Figure {
  static sheet = `
:host{max-width:60rem;--ground:var(--pst-color-background,var(--jp-layout-color0,var(--colab-primary-surface-color,Canvas)));--shade:color-mix(in srgb,currentColor 7%,var(--ground))}
button,.fields input{font:inherit;color:inherit;min-height:32px;padding:0 .7em;background:none;border:1px solid;border-radius:4px}
.tabs,.runs,.fields,.bar,.scroll{font-size:.9em}
.tabs,.runs{display:flex;flex-wrap:wrap;gap:.4rem;margin-top:.8rem}
.tabs{gap:0;border-bottom:1px solid}
.tabs button{border:0}
.tabs [aria-selected=true]{background:var(--shade);border-top:3px solid #0072B2}
.fields,.pictures{display:grid;gap:.4rem 1rem;margin:.8rem 0}
.fields{grid-template-columns:auto 1fr 7em;align-items:center}
.fields span{grid-column:1/-1}
.fields div{display:contents}
.fields input{min-width:0;text-align:right}
input:read-only{border-style:dotted}
svg :first-child{font-weight:600}
code,small{font:.9em monospace}
[aria-invalid=true],.trouble:not(:empty){outline:2px dashed #C8500A}
.runs label{margin-left:auto;line-height:32px}
text{paint-order:stroke;stroke:var(--ground);stroke-width:3px}
path{fill:none;stroke:currentColor}
.mark{stroke-width:7;stroke-linecap:round}
.blue{stroke:#0072B2}
.red{stroke:#C8500A;stroke-dasharray:6 3}
.red.mark{stroke-dasharray:0;stroke-linecap:square}
.amber{stroke:#B07D00}
.bar,.scroll{border:1px solid}
.bar{padding:.4rem .7rem;min-height:10em;overflow-wrap:anywhere;position:sticky;top:calc(var(--pst-header-height,0px)*.8);z-index:3;background:var(--ground)}
.scroll{overflow:auto;border-top:0;max-height:27rem;scroll-padding:0 2px 2px 3.5rem}
td{scroll-margin-top:11rem}
.epochs{max-height:14.5rem}
table{border-spacing:0;font-size:12.5px;line-height:1.3;font-variant-numeric:tabular-nums;min-width:100%}
caption{text-align:left}
caption span{position:sticky;left:.7rem}
th,td{padding:.2rem .5rem;text-align:right;white-space:nowrap;border:solid color-mix(in srgb,currentColor 18%,transparent);border-width:0 1px 1px 0}
th,thead td{background:var(--shade);font-weight:400;position:sticky;left:0}
thead *{top:0;z-index:2;vertical-align:top;white-space:normal}
thead th{left:auto;z-index:1;min-width:6em}
thead :is(b,code){display:block}
.cells tbody tr:first-child td{border-bottom:2px solid}
[aria-current=true] th{border-left:4px solid #0072B2}
.uses{background:color-mix(in srgb,#0072B2 24%,transparent)}
.uses:not(:focus-visible){outline:1px solid #0072B2;outline-offset:-1px}
.picked:not(:focus-visible){outline:2px solid;outline-offset:-2px}
@container (min-width:560px){.bar{min-height:6em}.pictures{grid-template-columns:1fr 1fr}.fields{grid-template-columns:auto auto 7em 1fr}.fields span{grid-column:4}}
@media print{:host{break-inside:auto}.controls{display:none}.scroll{max-height:none;overflow:visible}.bar,th,thead td,caption span{position:static}table{font-size:min(6pt,20cqw/var(--n))}th,td{padding:0 .2em}thead th{min-width:0;overflow-wrap:anywhere}}`;

  content() { return this.data.html; }

  ready(saved) {
    const $ = this.part$, log = $('[type=checkbox]');
    Object.assign(this, this.data);
    // In a box that could scroll the bar would not stay in sight.
    this.parentNode.style.overflow = 'visible';
    this.count = this.points.length;
    this.sheets = this.sheets.map(sheet => new Sheet(sheet, this.points));
    this.now = this.sheets[this.start];
    this.first = this.state;
    this.restore(`${saved}`);
    this.tabs = [...$('.tabs').children];
    this.tabs.forEach((tab, i) => {
      tab.onclick = () => { this.open(i); this.changed(); };
      tab.onkeydown = event => {
        const [, right] = keys[event.key] || [], next = this.tabs[clamp(i + right, 0, this.tabs.length - 1)];
        if (!right) return;
        event.preventDefault();
        next.click();
        next.focus();
      };
    });
    $('.runs').onclick = ({target}) => { if (target.type === 'submit') this.run(Number(target.value)); };
    log.checked = this.log;
    log.onchange = () => { this.log = log.checked; this.changed(); };
    $('.pictures').before($('.say'));
    this.open(this.sheets.indexOf(this.now));
    this.compute();
  }

  // What an address holds: the sheet, "rate*value*epochs" for each rate, inputs that were changed.
  get state() {
    const {name, rates, values, defaults} = this.now, runs = rates.map(rate => rate + ' ').join('');
    return name + runs.replace(/(\S+) (\1 )*/g, (run, rate) => ` rate*${rate}*${run.length / (rate.length + 1)}`)
      + Object.keys(defaults).map(key => values[key] === defaults[key] ? '' : ` ${key}*${values[key]}`).join('') + (this.log ? ' log' : '');
  }

  restore(state) {
    const [name, ...parts] = state.split(' '), sheet = this.sheets.find(sheet => sheet.name === name);
    if (!sheet) return;
    this.now = sheet;
    this.log = parts.includes('log');
    sheet.reset();
    for (const part of parts) {
      const [key, words, epochs] = part.split('*'), input = sheet.inputs.find(input => input.name === key), value = input && entered(words, input);
      if (value === undefined) continue;
      if (epochs) sheet.extend(epochs, value); else sheet.values[key] = value;
    }
  }

  changed() {
    this.compute();
    this.moved(this.state === this.first ? '' : this.state);
  }

  // A sheet is a table of epochs above, and the rows of one epoch below.
  open(place) {
    const $ = this.part$, sheet = this.now = this.sheets[place];
    this.tabs.forEach((tab, i) => {
      tab.setAttribute('aria-selected', i === place);
      tab.tabIndex = i === place ? 0 : -1;
    });
    $('#panel').setAttribute('aria-labelledby', 'tab' + place);
    $('.about').innerHTML = sheet.about;
    $('.fields').innerHTML = sheet.fields;
    this.fields = sheet.inputs.map(input => {
      const field = $('#in-' + input.name);
      field.onchange = () => {
        const value = entered(field.value, input);
        field.ariaInvalid = value === undefined;
        if (value !== undefined) sheet.values[input.name] = value;
        this.changed();
      };
      return Object.assign(field, {input});
    });
    $('.epochs').innerHTML = sheet.tables[0];
    $('.cells').innerHTML = sheet.tables[1];
    // There is room for 200 epochs; Python says so.
    this.epochs = this.grid('.epochs', sheet.ends, sheet.epoch_row, 200, 'endFormula');
    this.rows = this.grid('.cells', sheet.columns, sheet.start_row, this.count, 'formula');
    Object.assign(this.rows, {line: 1, column: sheet.columns.findIndex(column => column.name === 'err2')});
    this.active = this.rows;
    this.shown = 0;
  }

  // The fields show what the sheet uses; a wrong entry stays, marked, until it is mended.
  settle() {
    const {values, rates, fixed, epoch_row} = this.now;
    let trouble = '';
    for (const field of this.fields) {
      const {name, expected, row} = field.input;
      if (field.ariaInvalid === 'true') trouble += `<span id="no-${name}">${expected}; the sheet keeps ${values[name]}. </span>`;
      else field.value = fixed && name === 'rate' ? short(values.rate) : values[name];
      field.parentNode.firstChild.textContent = 'B' + (field.row = row || epoch_row + rates.length + 1);
    }
    this.fields[0].readOnly = fixed && rates[0];
    const alert = this.part$('.trouble');
    if (alert.innerHTML !== trouble) alert.innerHTML = trouble;
  }

  // Runs so many epochs; none of them is to start again.
  run(epochs) {
    if (!epochs) {
      this.now.reset();
      for (const field of this.fields) field.ariaInvalid = false;
    }
    this.now.extend(epochs);
    this.shown = 0;
    this.changed();
  }

  // Fills the sheet; shows the newest epoch, or the one that is looked at.
  compute() {
    const {now, epochs, rows, shown} = this;
    now.fill();
    epochs.records = now.lines;
    rows.records = now.rows;
    this.refresh(epochs);
    this.show(shown || now.rates.length || 1);
    this.settle();
    this.pick(this.active, this.active.line, this.active.column);
  }

  // A grid is a table whose cells are reached by keys, with one stop of the Tab key; of its lines,
  // those from `shift` on are in the page.
  grid(place, columns, first, page, formula) {
    const table = this.part$(place).firstChild, lines = table.tBodies[0].rows, grid = {table, lines, columns, first, page, formula, shift: 0, line: 0, column: 0};
    table.onkeydown = event => {
      const [down, right, pages = 0] = keys[event.key] || [], far = event.ctrlKey && right % 9 === 0 ? right * 1e6 : 0;
      if (down === undefined || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.pick(grid, clamp(grid.line + down + page * pages + far, 0, grid.records.length - 1), clamp(grid.column + right, 0, columns.length - 1), true);
    };
    table.addEventListener('focusin', ({target}) => this.pick(grid, grid.shift + target.parentNode.sectionRowIndex, target.cellIndex - 1));
    return grid;
  }

  // Writes the numbers into the cells, which stay.
  refresh({table, lines, columns, records, shift, first, page}) {
    const wanted = Math.min(records.length, page + 1), body = table.tBodies[0];
    while (lines.length > wanted) body.deleteRow(-1);
    while (lines.length < wanted) body.insertRow().innerHTML = '<th scope="row"></th>' + '<td aria-describedby="bar"></td>'.repeat(columns.length);
    table.setAttribute('aria-rowcount', first + records.length - 1);
    [...lines].forEach((line, i) => {
      const row = first + shift + i, record = records[shift + i];
      line.setAttribute('aria-rowindex', row);
      [`${row}`, ...columns.map(({name}) => cell(record[name], name))].forEach((words, j) => {
        if (line.cells[j].textContent !== words) line.cells[j].textContent = words;
      });
    });
  }

  // Shows the rows of an epoch, with the row above them.
  show(epoch) {
    const {rows, epochs, count} = this, filled = this.now.rates.length, shift = (epoch - 1) * count;
    rows.line += shift - rows.shift;
    rows.shift = shift;
    epochs.line = this.shown = filled && epoch;
    rows.table.caption.firstChild.textContent = filled ? `Epoch ${epoch} of ${filled}` : 'Epoch 1, not run yet';
    [...epochs.lines].forEach((line, i) => line.setAttribute('aria-current', i === this.shown));
    this.refresh(rows);
    // The table of epochs follows, the page does not.
    const box = this.part$('.epochs'), line = epochs.lines[this.shown], top = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
    box.scrollTop += top - clamp(top, epochs.table.tHead.offsetHeight, box.clientHeight - line.offsetHeight);
  }

  // Chooses a cell: its formula in the bar, the cells that this uses shaded.
  pick(grid, line, column, focus) {
    const {rows, epochs, count, shown} = this;
    const epoch = grid === epochs ? line || 1 : line < rows.shift || line > rows.shift + count ? Math.ceil(line / count) || 1 : shown;
    if (shown && epoch !== shown) this.show(epoch);
    Object.assign(grid, {line, column});
    this.active = grid;

    const chosen = grid.columns[column], {letter, name, words} = chosen, value = grid.records[line][name], formula = value === undefined ? '' : this.now[grid.formula](chosen, line);
    this.part$('.bar').innerHTML = `<b>${letter}${grid.first + line}</b> <code>${formula}</code><br>${line ? words : words.split(':')[0] + ', at the start'}<br>
<code class="value">${Number.isFinite(value ?? 0) ? value ?? 'empty' : wrong}</code>`;
    const spans = [...formula.replaceAll('$', '').matchAll(/\b([A-Z]+)(\d+)(?::[A-Z]+(\d+))?/g)];
    const uses = (letter, row) => spans.some(([, column, from, to = from]) => letter === column && row >= from && row <= to);
    for (const field of this.fields) field.className = uses('B', field.row) ? 'uses' : '';
    for (const each of [epochs, rows]) [...each.lines].forEach((tr, i) => each.columns.forEach(({letter}, j) => {
      const td = tr.cells[j + 1], line = each.shift + i, stop = line === each.line && j === each.column, picked = stop && each === grid;
      td.className = (uses(letter, each.first + line) ? 'uses ' : '') + (picked ? 'picked' : '');
      td.tabIndex = stop ? 0 : -1;
      if (picked && focus) td.focus();
    }));
  }

  draw(width) {
    const {now, target, near, count, log} = this, {lines, rows, title} = now, filled = lines.length - 1, end = lines[filled];
    const half = width > 560 ? (width - 16) / 2 : width, each = filled > 40 ? 10 : 1, lost = lines.findIndex(line => !Object.values(line).every(Number.isFinite));
    this.say(`${title}, ${filled ? `epoch ${filled}, learning rate ${number(end.rate)}: RMSE of the rows ${number(end.rmse_running)}, of the line ${number(end.rmse_line)}` : 'before the first epoch'}; `
      + `intercept ${number(end.intercept)}, slope ${number(end.slope)}; the target is ${target.map(number).join(' and ')}.${lost < 0 ? '' : ` From epoch ${lost} on, numbers are too large: ${wrong}`}${filled > 199 ? ' There is no room for more.' : ''}`, wrong);

    const errors = name => lines.slice(1).map(line => [line.epoch, log ? Math.log10(line[name]) : line[name]]).filter(p => Number.isFinite(p[1]));
    const series = [['blue', 'of the rows', errors('rmse_running'), each], ['red', 'of the line', errors('rmse_line'), each]];
    const sizes = [0, ...series.flatMap(s => s[2].map(p => p[1]))].map(log ? Math.floor : v => v), up = [Math.min(...sizes), Math.max(...sizes) + !!log || 1];
    this.picture('.errors', half, 'RMSE after each epoch', 'epoch', [0, Math.max(5, filled)], up, series, lost < 0 ? [] : [['red', wrong, [lost, up[1]], 20]], log);

    // The path is shown up to where it leaves the neighbourhood of the target.
    const all = rows.slice(0, 1 + filled * count).map(row => [row.new_b, row.new_a]), outside = all.findIndex(p => !p.every((v, i) => Math.abs(v - target[i]) <= near[i]));
    const points = outside < 0 ? all : all.slice(0, outside), range = i => {
      const values = [...points, target].map(p => p[i]), low = Math.min(...values), high = Math.max(...values), pad = (high - low) / 10;
      return [low - pad, high + pad];
    };
    this.picture('.steps', half, 'The path of the line', 'intercept b, and upwards slope a', range(0), range(1), [['blue', 'row by row, and ends of epochs', points, each * count]],
      [['', 'start', all[0]], ['amber', 'target', target], ...outside < 0 ? [] : [['red', 'leaves', points.at(-1), 20]]]);
  }

  // A picture: axes, a key, lines with their marks, and single points with their names.
  picture(name, width, title, label, x, y, series, singles, log) {
    const l = 44, r = width - 24, t = 46, b = 212;
    const share = (v, [low, high]) => (v - low) / (high - low), at = p => [l + share(p[0], x) * (r - l), b - share(p[1], y) * (b - t)];
    this.paint(name, width, 250, `${title}. ${this.sentence}`, text(0, 14, title, 'start') + text((l + r) / 2, 245, label) + path([[l, t], [l, b], [r, b]])
      + ticks(...x).map(v => text(at([v, 0])[0], b + 18, short(v))).join('')
      + (log ? [...'0123456'].map(i => y[0] + i * Math.ceil((y[1] - y[0]) / 6)).filter(v => v <= y[1]) : ticks(...y)).map(v => text(l - 8, at([0, v])[1] + 4, short(log ? 10 ** v : v), 'end')).join('')
      + series.map(([kind, words, points, every], i) => path([[i * 110, 30], [i * 110 + 24, 30]], kind) + path(points.map(at), kind)
        + marks([[i * 110 + 12, 30], ...points.filter((_, i) => i % every === 0).map(at)], kind) + text(i * 110 + 30, 34, words, 'start')).join('')
      + singles.map(([kind, words, p, below = -8]) => marks([at(p)], kind) + text(at(p)[0], Math.min(at(p)[1] + below, b - 4), words)).join(''));
  }
}

// A notebook runs this again whenever a cell is run; the element is defined once.
if (!customElements.get('adl-spreadsheet')) customElements.define('adl-spreadsheet', Spreadsheet);
