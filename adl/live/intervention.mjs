// <adl-intervention>: training at the edge of stability. The reader chooses the learning rate of
// the steps to come, and sees the loss and step size × curvature of a run computed beforehand.
import { Figure, short } from "./figure.mjs";

const px = v => v.toFixed(1);
const path = (points, kind) => `<path class="${kind}" d="M${points.map(p => p.map(px).join(' ')).join('L')}"/>`;
const text = (x, y, words, anchor = 'middle', kind = '') => `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" class="${kind}">${words}</text>`;

// Data hold hundredths of a power of ten, and thousandths.
const losses = run => run.at.map((t, i) => [t, 10 ** (run.loss[i] / 100)]);
const products = (run, every) => run.product.map((p, i) => [run.at[0] + every * i, p / 1000]);

class Intervention extends Figure {
  static sheet = `
.row,.presets{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1rem;font-size:.9em}
.presets{gap:.4rem;margin:.4rem 0 .6rem}
button{min-height:30px;padding:0 .6em;font:inherit;color:inherit;background:none;border:1px solid;border-radius:4px}
.presets,.rate{font-variant-numeric:tabular-nums}
.rate{min-width:4.5em}
[aria-pressed=true]{box-shadow:inset 0 0 0 2px}
[type=range]{flex:1 1 14rem;min-width:0;height:28px;margin:0;background:none;appearance:none}
::-webkit-slider-runnable-track{height:8px;border-radius:4px;background:var(--track)}
::-moz-range-track{height:8px;border-radius:4px;background:var(--track)}
::-webkit-slider-thumb{appearance:none;box-sizing:border-box;width:24px;height:24px;margin-top:-8px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
::-moz-range-thumb{box-sizing:border-box;width:24px;height:24px;border:3px solid #fff;border-radius:50%;background:#0072B2;box-shadow:0 0 0 1.5px}
.say{min-height:6em}
@container (max-width:520px){[type=range]{order:1;flex-basis:100%}.say{min-height:9em}}
@container (max-width:350px){button{padding:0 .4em}.presets{gap:.3rem}}
.on{font-weight:600}
path{fill:none;stroke:currentColor;stroke-linejoin:round}
.axis,.before{stroke-opacity:.6}
.limit{stroke-dasharray:6 3}
.change{stroke-dasharray:2 3}
.before,.after{stroke-width:1.5}
.after{stroke:#0072B2}`;

  content() {
    return `<div class="controls">
<div class="row"><label for="slider">Learning rate after the change</label>
<input type="range" id="slider" min="0" step="1"><b class="rate" aria-hidden="true"></b></div>
<div class="presets" role="group" aria-label="Changes to try"></div></div>
<svg class="loss"></svg><svg class="product"></svg>`;
  }

  ready(saved) {
    const $ = this.part$, slider = this.slider = $('#slider'), {before, after} = this.data;
    this.numbers('rate', 'old', 'every');
    this.before = before;
    this.runs = after;
    this.first = this.rate;
    slider.max = after.length - 1;
    // Both axes hold every run, so that they stay while the reader compares.
    const all = [before, ...after];
    this.extent = [losses, products].map(read => {
      const values = all.flatMap(run => read(run, this.every).map(p => p[1]));
      return [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
    });
    for (const preset of this.getAttribute('presets').split(',')) {
      const [value, name] = preset.split(':'), button = document.createElement('button');
      button.type = 'button';
      button.value = value;
      button.textContent = name;
      button.setAttribute('aria-label', `${name}: ${value}`);
      button.onclick = () => this.choose(Number(value));
      $('.presets').append(button);
    }
    slider.oninput = () => this.choose(after[slider.valueAsNumber].rate);
    // An address may hold anything: the nearest rate is shown.
    if (Number(saved) > 0) this.rate = after.map(run => run.rate).reduce((a, b) => Math.abs(Math.log(b / saved)) < Math.abs(Math.log(a / saved)) ? b : a);
  }

  choose(rate) {
    this.rate = rate;
    this.moved(rate === this.first ? '' : rate);
  }

  // What is shown.
  get state() {
    const {rate, every} = this, run = this.runs.find(each => each.rate === rate);
    return {rate, says: run.says, loss: losses(run), product: products(run, every)};
  }

  draw(width) {
    const {before, old, every, extent} = this, now = this.state, rates = this.runs.map(run => run.rate), place = rates.indexOf(now.rate);
    this.slider.value = place;
    this.slider.setAttribute('aria-valuetext', `${now.rate}`);
    this.part$('.rate').textContent = now.rate;
    // The slider's track has a gap at the old rate.
    const gap = `calc(12px + (100% - 24px) * ${rates.indexOf(old) / (rates.length - 1)}`;
    this.slider.style.setProperty('--track', `linear-gradient(90deg,#0072B2 ${gap} - 2px),#0000 0 ${gap} + 2px),#0072B2 0)`);
    for (const button of this.part$('.presets').children) button.setAttribute('aria-pressed', Number(button.value) === now.rate);

    const [least, most] = [Math.min, Math.max].map(end => short(end(...now.loss.map(p => p[1])), 2)), past = products(before, every);
    this.panel('.loss', width, 230, {
      title: 'Loss', y: extent[0], marks: [10, 100, 1e3, 1e4, 1e5, 1e6], lines: [losses(before), now.loss],
      alt: `Loss on a logarithmic axis against steps since the change of the rate from ${old} to ${now.rate}; after it, from ${least} to ${most}.`,
    });
    this.panel('.product', width, 230, {
      title: 'Step size × curvature', y: extent[1], marks: [.1, .2, .5, 1, 2, 5, 10], limit: 2, lines: [past, now.product], label: 'steps since the change of the rate',
      alt: `Step size × curvature on a logarithmic axis, with its limit 2: ${past.at(-1)[1].toFixed(2)} before the change, ${now.product[0][1].toFixed(2)} right after it, ${now.product.at(-1)[1].toFixed(2)} at the end.`,
    });
    this.say(now.says, /stops oscillating|nothing changes|shoots up/);
  }

  // One of the two panels; their steps stand above each other.
  panel(name, width, height, {title, y, marks, limit, lines, label, alt}) {
    const l = 44, r = width - 16, t = 24, b = height - (label ? 42 : 12), from = lines[0][0][0], to = lines[1].at(-1)[0];
    const across = t => l + (t - from) / (to - from) * (r - l), up = v => b - Math.log(v / y[0]) / Math.log(y[1] / y[0]) * (b - t);
    const line = (all, kind) => path(all.map(([t, v]) => [across(t), up(v)]), kind), x = across(0);
    const steps = [-200, 0, 200, 400, 600, 800];
    this.paint(name, width, height, alt, text(0, 14, title, 'start', 'on')
      + path([[l, t], [l, b], [r, b]], 'axis')
      + steps.map(t => path([[across(t), b], [across(t), b + 5]], 'axis') + (label ? text(across(t), b + 18, short(t)) : '')).join('')
      + marks.filter(v => v > y[0] && v < y[1]).map(v => path([[l, up(v)], [l - 5, up(v)]], 'axis') + text(l - 8, up(v) + 4, short(v, 4), 'end')).join('')
      + path([[x, t], [x, b]], 'change')
      + (limit ? path([[l, up(limit)], [r, up(limit)]], 'limit') + text(r, up(limit) - 8, `limit ${limit}`, 'end') : '')
      + line(lines[0], 'before') + line(lines[1], 'after')
      + (label ? text((l + r) / 2, height - 6, label)
        : text(x - 11, 14, this.old, 'end') + text(x, 14, '→') + text(x + 11, 14, this.rate, 'start')));
  }
}

// A notebook runs this again whenever a cell is run; the element is defined once.
if (!customElements.get('adl-intervention')) customElements.define('adl-intervention', Intervention);
