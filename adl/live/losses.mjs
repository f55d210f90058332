// <adl-losses>: networks that have learned the singular target. The reader chooses epsilon and the
// loss, and sees what a network says along z, how its errors are spread, and how the loss fell.
import { Figure, minus } from "./figure.mjs";

const path = (points, kind) => `<path class="${kind}" d="M${points.map(p => p.map(v => v.toFixed(1)).join(' ')).join('L')}"/>`;
const text = (x, y, words, anchor = 'middle', kind = '') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="${kind}">${words}</text>`;

// Two digits, as in the sentence.
const digits = value => value.toLocaleString('en', {maximumSignificantDigits: 2});
const power = hundredths => digits(10 ** (hundredths / 100));

// The two-sided logarithm, of base ten, and the number to a stored one.
const twoSided = value => Math.sign(value) * Math.log10(1 + Math.abs(value));
const number = hundredths => minus(digits(Math.sign(hundredths) * (10 ** Math.abs(hundredths / 100) - 1)));

class LossChoice extends Figure {
  static sheet = `
:host{--ground:var(--pst-color-background,var(--jp-layout-color0,var(--colab-primary-surface-color,Canvas)))}
.fields,.key{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1rem;font-size:.9em}
.row{display:flex;flex:1 1 17rem;align-items:center;gap:.7rem}
.row:last-child{flex-grow:0;flex-basis:auto}
b{min-width:3.6em;font-variant-numeric:tabular-nums}
select{min-height:30px;padding:0 .4em;font:inherit;color:inherit;background:var(--ground);border:1px solid;border-radius:4px}
[type=range]{flex:1;min-width:0;height:28px;margin:0;background:none;appearance:none}
::-webkit-slider-runnable-track{height:8px;border-radius:4px;background:#0072B2}
::-moz-range-track{height:8px;border-radius:4px;background:#0072B2}
::-webkit-slider-thumb{appearance:none;box-sizing:border-box;width:24px;height:24px;margin-top:-8px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
::-moz-range-thumb{box-sizing:border-box;width:24px;height:24px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
.key{margin:.5rem 0}
i{display:inline-block;width:1.8em;margin-right:.4em;vertical-align:.25em;border-top:2px solid #0072B2}
i.truth{border-top:4px solid;opacity:.5}
i.zero{border-top:2px dashed #C8500A}
i.random{border-top:3px dotted #B07D00}
svg{min-width:0}
.pictures{display:grid;gap:.5rem 16px}
.say{min-height:6em}
@container (min-width:560px){.pictures{grid-template-columns:1fr 1fr}.output{grid-column:1/3}}
@container (max-width:520px){.say{min-height:13.5em}}
.on{font-weight:600}
path{fill:none;stroke:currentColor;stroke-linejoin:round}
.axis{stroke-opacity:.6}
path.truth{stroke-width:4;stroke-opacity:.5}
.network{stroke:#0072B2;stroke-width:2}
path.zero{stroke:#C8500A;stroke-width:2;stroke-dasharray:6 3}
path.random{stroke:#B07D00;stroke-width:2.5;stroke-dasharray:0 5;stroke-linecap:round}`;

  content() {
    const key = Object.entries({truth: 'target', '': 'network', zero: 'always 0', random: 'two random targets'});
    return `<div class="controls"><div class="fields">
<div class="row"><label for="slider">epsilon</label><input type="range" id="slider" min="0" step="1"><b aria-hidden="true"></b></div>
<div class="row"><label for="loss">Loss</label><select id="loss"></select></div></div></div>
<div class="key">${key.map(([kind, name]) => `<span><i class="${kind}"></i>${name}</span>`).join('')}</div>
<div class="pictures"><svg class="output"></svg><svg class="errors"></svg><svg class="left"></svg></div>`;
  }

  ready(saved) {
    const {losses, epsilons} = this.recorded = this.data, known = epsilons.map(targets => targets.epsilon);
    const slider = this.slider = this.part$('#slider'), select = this.select = this.part$('select');
    const spreads = epsilons.flatMap(({runs, baselines}) => [...runs, ...Object.values(baselines)]);
    this.numbers('epsilon');
    this.loss = this.getAttribute('loss');
    this.first = this.address;
    // Axes hold all there is, so that they stay while the reader compares.
    this.lowest = Math.min(...epsilons.flatMap(({runs}) => runs.flatMap(run => run.output))) / 100;
    this.tallest = Math.max(...spreads.flatMap(each => each.errors));
    slider.max = known.length - 1;
    select.innerHTML = losses.map(name => `<option>${name}</option>`).join('');
    slider.oninput = () => this.choose(known[slider.valueAsNumber], this.loss);
    select.onchange = () => this.choose(this.epsilon, select.value);
    // An address may hold anything.
    const [epsilon, ...words] = `${saved}`.split(' '), loss = words.join(' ');
    if (known.includes(Number(epsilon)) && losses.includes(loss)) [this.epsilon, this.loss] = [Number(epsilon), loss];
  }

  get address() { return `${this.epsilon} ${this.loss}`; }

  choose(epsilon, loss) {
    [this.epsilon, this.loss] = [epsilon, loss];
    this.moved(this.address === this.first ? '' : this.address);
  }

  // What is shown.
  get state() {
    const {epsilon, loss, recorded: {losses, epsilons}} = this, place = losses.indexOf(loss);
    const {runs, says, baselines} = epsilons.find(targets => targets.epsilon === epsilon);
    return {epsilon, loss, says: says[place], baselines, ...runs[place]};
  }

  draw(width) {
    const {recorded: {places, low, high, together, epsilons}, slider, lowest, tallest} = this, {epsilon, loss, says, baselines, at, output, peak, errors, median, left} = this.state;
    const zero = baselines['always 0'], random = baselines['two random targets'], half = width < 560 ? width : (width - 16) / 2;
    slider.value = epsilons.findIndex(targets => targets.epsilon === epsilon);
    slider.setAttribute('aria-valuetext', `${epsilon}`);
    this.part$('b').textContent = epsilon;
    this.select.value = loss;

    // Cubes lie close together where the target is steep.
    const target = Array.from({length: 201}, (_, i) => (i / 100 - 1) ** 3).map(z => [z, twoSided(1 / (epsilon + z * z))]);
    this.panel('.output', width, {
      title: 'Output along z, where x = y = 1', label: 'z', x: [-1, 1], y: [lowest, twoSided(1 / epsilons[0].epsilon)],
      across: [-1, -.5, 0, .5, 1].map(z => [z, minus(`${z}`)]), up: [0, 10, 100, 1e3, 1e4].map(v => [twoSided(v), v.toLocaleString('en')]),
      lines: {truth: target, network: at.map((place, i) => [2 * place / (places - 1) - 1, output[i] / 100])},
      alt: `Output along z from −1 to 1 with x and y at 1, on a two-sided logarithmic axis. The target rises from ${digits(1 / (epsilon + 1))} to ${digits(1 / epsilon)} at z = 0; the network says ${number(output[0])} at −1, ${digits(peak)} at 0, ${number(output.at(-1))} at 1.`,
    });
    const wide = (high - low) / errors.length, steps = shares => shares.flatMap((share, i) => [[low + i * wide, share], [low + (i + 1) * wide, share]]);
    const top = 1.25 * tallest, mark = ({median}) => [[median / 100, 1.08 * tallest], [median / 100, top]];
    this.panel('.errors', half, {
      title: 'Squared errors on new examples', label: 'squared error', x: [low, high], y: [0, top],
      across: [[-8, '10⁻⁸'], [-4, '10⁻⁴'], [0, '1'], [4, '10⁴'], [8, '10⁸']], up: [0, 100, 200].map(v => [v, `${v / 10}%`]),
      lines: {random: steps(random.errors), zero: steps(zero.errors), network: steps(errors)}, marks: {random: mark(random), zero: mark(zero), network: mark({median})},
      note: 'medians',
      alt: `Histogram of squared errors on a logarithmic axis. Their median is ${power(median)} for the network, ${power(zero.median)} for always 0, ${power(random.median)} for two random targets.`,
    });
    const end = together * left.length;
    this.panel('.left', half, {
      title: 'Loss, as a share of always 0’s', label: 'step', x: [0, end], y: [0, 1.1],
      across: [0, .2, .4, .6, .8, 1].map(part => [part * end, part * end]), up: [0, .5, 1].map(v => [v, `${100 * v}%`]),
      lines: {zero: [[0, 1], [end, 1]], network: left.map((v, i) => [together * (i + .5), v / 1000])},
      alt: `Loss as a share of what always saying 0 costs: ${digits(left[0] / 10)}% in the first ${together} steps, ${digits(left.at(-1) / 10)}% in the last ${together} of ${end}.`,
    });
    this.say(says, /\w+ than (always 0|two random targets)/);
  }

  // One of the three pictures.
  panel(name, width, {title, label, x, y, across, up, lines, marks = {}, note = '', alt}) {
    const height = 220, l = 54, r = width - 14, t = 26, b = height - 42;
    const column = v => l + (v - x[0]) / (x[1] - x[0]) * (r - l), row = v => b - (v - y[0]) / (y[1] - y[0]) * (b - t);
    const drawn = all => Object.entries(all).map(([kind, points]) => path(points.map(([u, v]) => [column(u), row(v)]), kind)).join('');
    this.paint(name, width, height, alt, text(0, 14, title, 'start', 'on')
      + path([[l, t], [l, b], [r, b]], 'axis')
      + across.map(([v, words]) => path([[column(v), b], [column(v), b + 5]], 'axis') + text(column(v), b + 18, words)).join('')
      + up.map(([v, words]) => path([[l - 5, row(v)], [l, row(v)]], 'axis') + text(l - 8, row(v) + 4, words, 'end')).join('')
      + text((l + r) / 2, height - 6, label) + text(r, t + 11, note, 'end') + drawn(lines) + drawn(marks));
  }
}

// A notebook runs this again whenever a cell is run; the element is defined once.
if (!customElements.get('adl-losses')) customElements.define('adl-losses', LossChoice);
