// <adl-lazy-training>: networks beside their linearisations. The reader chooses width and alpha, and
// sees when the two learn the same function, and how far weights and tangent kernels have moved.
import { Figure, minus } from "./figure.mjs";

const pair = point => point.map(v => v.toFixed(1)).join(' ');
const line = (points, kind) => `<path class="${kind}" d="M${points.map(pair).join('L')}"/>`;
const words = (x, y, text, anchor = 'middle') => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${text}</text>`;

// Two digits, as in the sentence.
const digits = value => value.toLocaleString('en', {maximumSignificantDigits: 2});
const percent = share => `${digits(100 * share)}%`;

const MEASURED = {movement: 'movement of output weights', distance: 'distance from linearisation', drift: 'kernel drift'};
const CHOICES = ['width', 'alpha'];

class LazyTraining extends Figure {
  static sheet = `
.fields,.key{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1rem;font-size:.9em}
.row{display:flex;flex:1 1 17rem;align-items:center;gap:.7rem}
label{min-width:2.8em}
b{min-width:2.6em;font-variant-numeric:tabular-nums}
[type=range]{flex:1;min-width:0;height:28px;margin:0;background:none;appearance:none}
::-webkit-slider-runnable-track{height:8px;border-radius:4px;background:#0072B2}
::-moz-range-track{height:8px;border-radius:4px;background:#0072B2}
::-webkit-slider-thumb{appearance:none;box-sizing:border-box;width:24px;height:24px;margin-top:-8px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
::-moz-range-thumb{box-sizing:border-box;width:24px;height:24px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
.key{margin:.5rem 0}
i{display:inline-block;width:1.8em;margin-right:.4em;vertical-align:.25em;border-top:3px solid #0072B2}
i.points{width:.7em;height:.7em;vertical-align:-.05em;border:1.5px solid;border-radius:50%}
i.start{border-top:1px dotted}
i.distance{border-top:2px dashed #C8500A}
i.drift{border-top:3px dotted #B07D00}
svg{min-width:0}
.by{display:grid;gap:.5rem 16px}
.say{min-height:7.5em}
@container (min-width:560px){.by{grid-template-columns:1fr 1fr}}
@container (max-width:520px){.say{min-height:13.5em}}
path,circle{fill:none;stroke:currentColor;stroke-linejoin:round}
.axis{stroke-opacity:.6}
.start{stroke-opacity:.6;stroke-dasharray:1 3}
.here{stroke-width:9;stroke-opacity:.18}
circle{stroke-width:1.5}
.movement{stroke:#0072B2;stroke-width:2.5}
.distance{stroke:#C8500A;stroke-width:2;stroke-dasharray:6 3}
.drift{stroke:#B07D00;stroke-width:2.5;stroke-dasharray:0 5;stroke-linecap:round}
.range{stroke-width:1.5;stroke-dasharray:none}`;

  content() {
    const slider = name => `<div class="row"><label for="${name}">${name}</label><input type="range" id="${name}" min="0" step="1"><b aria-hidden="true"></b></div>`;
    const key = names => `<div class="key">${Object.entries(names).map(([kind, name]) => `<span><i class="${kind}"></i>${name}</span>`).join('')}</div>`;
    return `<div class="controls"><div class="fields">${CHOICES.map(slider).join('')}</div></div>
${key({points: 'data', start: 'before training', movement: 'network', distance: 'its linearisation'})}<svg class="learned"></svg>
${key(MEASURED)}<div class="by"><svg class="width"></svg><svg class="alpha"></svg></div>`;
  }

  ready(saved) {
    const {widths, points} = this.recorded = this.data, every = widths.flatMap(({runs}) => runs);
    const known = this.known = [widths.map(({width}) => width), widths[0].runs.map(({alpha}) => alpha)];
    this.chosen = CHOICES.map(name => Number(this.getAttribute(name)));
    this.first = this.address;
    // Axes hold all there is, so that they stay while the reader compares.
    const heights = [points[1], ...widths.map(({linear}) => linear), ...every.map(({network}) => network)].flat();
    const shares = every.flatMap(run => Object.keys(MEASURED).flatMap(name => run[name]));
    this.heights = [Math.min(...heights) - 80, Math.max(...heights)];
    this.shares = [10 ** Math.floor(Math.log10(Math.min(...shares))), 10 ** Math.ceil(Math.log10(Math.max(...shares)))];
    this.sliders = CHOICES.map((name, i) => {
      const slider = this.part$(`#${name}`);
      slider.max = known[i].length - 1;
      slider.oninput = () => {
        this.chosen[i] = known[i][slider.valueAsNumber];
        this.moved(this.address === this.first ? '' : this.address);
      };
      return slider;
    });
    // An address may hold anything.
    const asked = `${saved}`.split(' ').map(Number);
    if (asked.length === 2 && asked.every((value, i) => known[i].includes(value))) this.chosen = asked;
  }

  get address() { return this.chosen.join(' '); }

  // What is shown: all of one width, and the run with this alpha.
  get state() {
    const [width, alpha] = this.chosen, all = this.recorded.widths.find(each => each.width === width);
    return {width, alpha, linear: all.linear, runs: all.runs, run: all.runs.find(run => run.alpha === alpha)};
  }

  draw(width) {
    const {known, chosen, recorded: {points, widths}, state: {run, linear, runs}} = this, place = runs.indexOf(run);
    this.sliders.forEach((slider, i) => {
      slider.value = known[i].indexOf(chosen[i]);
      slider.setAttribute('aria-valuetext', `${chosen[i]}`);
      slider.nextElementSibling.textContent = chosen[i];
    });
    this.learned(width, points, run.network, linear);
    const half = width < 560 ? width : (width - 16) / 2;
    this.measured(half, 0, widths.map(each => each.runs[place]), `alpha ${chosen[1]}`, 'width (PyTorch’s parametrisation)');
    this.measured(half, 1, runs, `width ${chosen[0]}`, 'alpha');
    this.say(run.says, /^[^:]+/);
  }

  // The data, and what was learned of them.
  learned(width, [inputs, labels], network, linear) {
    const height = 280, l = 40, r = width - 14, t = 32, b = height - 42, [low, high] = this.heights;
    const column = x => l + (x + 1) / 2 * (r - l), row = y => b - (1000 * y - low) / (high - low) * (b - t);
    const curve = all => all.map((y, i) => [column(2 * i / (all.length - 1) - 1), row(y / 1000)]);
    const apart = Math.max(...network.map((y, i) => Math.abs(y - linear[i]))) / 1000;
    const gap = `at most ${digits(apart)} apart`;
    this.paint('.learned', width, height, `${inputs.length} points, and two curves along x from −1 to 1: what the first of the ten networks has learned, and what its linearisation has. They are ${gap}.`,
      words(0, 14, `Network and linearisation: ${gap}`, 'start') + line([[l, t], [l, b], [r, b]], 'axis')
      + [-1, -.5, 0, .5, 1].map(x => line([[column(x), b], [column(x), b + 5]], 'axis') + words(column(x), b + 18, minus(`${x}`))).join('')
      + [-1, 0, 1].map(y => line([[l - 5, row(y)], [l, row(y)]], 'axis') + words(l - 8, row(y) + 4, minus(`${y}`), 'end')).join('')
      + words((l + r) / 2, height - 6, 'x') + line([[l, row(0)], [r, row(0)]], 'start')
      + inputs.map((x, i) => `<circle cx="${column(x / 1000).toFixed(1)}" cy="${row(labels[i] / 1000).toFixed(1)}" r="5"/>`).join('')
      + line(curve(network), 'movement') + line(curve(linear), 'distance'));
  }

  // What was measured of ten networks, against one of the two choices.
  measured(width, choice, runs, given, label) {
    const height = 240, l = 66, r = width - 20, t = 26, b = height - 42, known = this.known[choice];
    const log = (v, [low, high]) => Math.log(v / low) / Math.log(high / low);
    const column = v => l + 12 + log(v, [known[0], known.at(-1)]) * (r - l - 12), row = v => b - log(v, this.shares) * (b - t);
    const here = column(this.chosen[choice]), ends = [runs[0], runs.at(-1)];
    const fall = ends.map(run => run.drift[0]).reduce((first, last) => first / last);
    this.paint(`.${CHOICES[choice]}`, width, height, `With ${given}, on logarithmic axes, from ${CHOICES[choice]} ${known[0]} to ${known.at(-1)}: ${Object.keys(MEASURED).map(name => `${MEASURED[name]} from ${ends.map(run => percent(run[name][0])).join(' to ')}`).join('; ')}.`,
      words(0, 14, `With ${given}, drift falls to 1/${digits(fall)}`, 'start') + line([[l, t], [l, b], [r + 10, b]], 'axis') + line([[here, t], [here, b]], 'here')
      + known.map(v => line([[column(v), b], [column(v), b + 5]], 'axis') + words(column(v), b + 18, v)).join('')
      + [1e-6, 1e-4, .01, 1].map(v => line([[l - 5, row(v)], [l, row(v)]], 'axis') + words(l - 8, row(v) + 4, percent(v), 'end')).join('')
      + words((l + r) / 2, height - 6, label)
      + Object.keys(MEASURED).map(name => line(runs.map((run, i) => [column(known[i]), row(run[name][0])]), name)
        + runs.map((run, i) => line(run[name].slice(1).map(v => [column(known[i]), row(v)]), `${name} range`)).join('')).join(''));
  }
}

// A notebook runs this again whenever a cell is run; the element is defined once.
if (!customElements.get('adl-lazy-training')) customElements.define('adl-lazy-training', LazyTraining);
