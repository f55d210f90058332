// <adl-descent>: gradient descent on a parabola. The reader chooses the step size and sees the
// path, the error that is left, and the one number that decides: 1 − step size × curvature.
import { Figure, clamp, minus, short, ticks } from "./figure.mjs";

// A number with as many decimals as it takes to tell it from −1, 0, 1 and 2, where verdicts change.
function decimals(value) {
  for (const c of [-1, 0, 1, 2]) if (Math.abs(value - c) < (c ? 1e-12 : 1e-9)) return minus(String(c));
  for (let n = 3; ; n++) {
    const text = value.toFixed(n);
    if (![-1, 0, 1, 2].includes(Number(text))) return minus(text);
  }
}

// The same rule and words as adl.model_1p.verdict.
function verdict(factor, steps) {
  const size = Math.abs(factor);
  if (Math.abs(size - 1) < 1e-12) return factor > 0 ? 'rests' : 'swings';
  if (size > 1) return 'diverges';
  if (size < 1e-9) return 'lands';
  const left = size ** steps;
  if (factor > 0) return left > .05 ? 'crawls' : 'arrives';
  return left > .5 ? 'stalls' : 'overshoots';
}

// Three zones of the factor, told apart by colour (adl.plotting.PALETTE; each has a contrast of 3
// to white and to the dark page), by place, and by the shape of the marks.
const zones = [
  {name: 'diverges', from: -1.2, to: -1, colour: '#C8500A', mark: 'M-4 4H4L0 -4z'},
  {name: 'overshoots', from: -1, to: 0, colour: '#B07D00', mark: 'M0 -5 5 0 0 5 -5 0z'},
  {name: 'comes from one side', from: 0, to: 1, colour: '#0072B2', mark: 'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0'},
];
const zoneOf = factor => zones[factor < -1 - 1e-12 ? 0 : factor < -1e-9 ? 1 : 2];

// The pictures show errors up to this multiple of the first.
const reach = 1.5;
const px = v => v.toFixed(1);
const path = (points, kind) => `<path class="${kind}" d="M${points.map(p => p.map(px).join(' ')).join('L')}"/>`;
const text = (x, y, words, anchor = 'middle', kind = '') => `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" class="${kind}">${words}</text>`;
const range = (low, high) => Array.from({length: 81}, (_, i) => low + (high - low) * i / 80);

class Descent extends Figure {
  static sheet = `
.row,.presets,.log,.rule{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem}
.row{gap:.4rem 1rem;margin-bottom:.6rem;font-size:.9em}
input,button{font:inherit;color:inherit}
[type=range]{flex:1 1 14rem;min-width:0;height:28px;margin:0;background:none;appearance:none}
::-webkit-slider-runnable-track{height:8px;border-radius:4px;background:var(--track)}
::-moz-range-track{height:8px;border-radius:4px;background:var(--track)}
::-webkit-slider-thumb{appearance:none;box-sizing:border-box;width:24px;height:24px;margin-top:-8px;border:3px solid #fff;border-radius:50%;background:var(--zone);box-shadow:0 0 0 1.5px}
::-moz-range-thumb{box-sizing:border-box;width:24px;height:24px;border:3px solid #fff;border-radius:50%;background:var(--zone);box-shadow:0 0 0 1.5px}
[type=number],button{min-height:30px;padding:0 .6em;background:none;border:1px solid;border-radius:4px}
[type=number]{width:8.5em}
[aria-invalid=true]{border:2px dashed #C8500A}
.presets,.rule,[type=number]{font-variant-numeric:tabular-nums}
[aria-pressed=true]{box-shadow:inset 0 0 0 2px}
.log{min-height:30px}
.rule{justify-content:space-between;gap:0 1rem}
.line{margin-top:.3rem}
.pictures{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-top:.9rem}
.say{min-height:4.5em}
@container (max-width:520px){.pictures{grid-template-columns:1fr}[type=range]{order:1;flex-basis:100%}.say{min-height:9em}}
@container (max-width:350px){.line{font-size:11px}}
.on{font-weight:600}
path{fill:none;stroke:currentColor}
.axis,.faint,.loss{stroke-opacity:.6}
.faint{stroke-dasharray:2 4}
.loss,.start{stroke-width:2}
.way,.start,.exit{fill:none;stroke:var(--zone)}
.exit{stroke-width:3}
.mark{fill:var(--zone);stroke:none}`;

  content() {
    return `<div class="controls">
<div class="row"><label for="slider">Step size <i>η</i></label>
<input type="range" id="slider" min="0">
<input type="number" aria-label="Step size, typed"></div>
<div class="row"><div class="presets" role="group" aria-label="Step sizes to try"></div>
<label class="log"><input type="checkbox">logarithmic slider</label></div></div>
<p class="rule"></p>
<svg class="line"></svg>
<div class="pictures"><svg class="parabola"></svg><svg class="errors"></svg></div>`;
  }

  ready(saved) {
    const $ = this.part$, slider = this.slider = $('#slider'), typed = this.typed = $('[type=number]');
    this.numbers('size', 'low', 'high', 'curvature', 'optimum', 'least', 'start', 'steps');
    this.first = this.size;
    // The slider stops at round numbers; what is typed, a preset or an address can be any number.
    this.grain = 10 ** Math.floor(Math.log10((this.high - this.low) / 100));
    slider.max = this.stops = Math.ceil((this.high - this.low) / this.grain - 1e-6);
    typed.min = this.low;
    typed.max = this.high;
    typed.step = (this.grain / 10).toPrecision(1);

    for (const preset of this.getAttribute('presets').split(',')) {
      const [value, name] = preset.split(':'), button = document.createElement('button');
      button.type = 'button';
      button.value = value;
      button.textContent = short(Number(value), 4) + (name || '');
      button.onclick = () => this.choose(Number(value));
      $('.presets').append(button);
    }
    slider.oninput = () => this.choose(this.at(slider.valueAsNumber));
    typed.oninput = () => {
      const value = typed.valueAsNumber, usable = value === clamp(value, this.low, this.high);
      if (usable) this.choose(value, true);
      typed.setAttribute('aria-invalid', !usable);
    };
    typed.onchange = () => this.settle();
    const box = $('[type=checkbox]'), [size, scale] = (saved || '').split(' ');
    box.onchange = () => { this.log = box.checked; this.choose(this.size); };
    box.checked = this.log = scale === 'log';
    if (Number(size)) this.size = clamp(Number(size), this.low, this.high);
    this.settle();
  }

  // Stop of the slider to step size, and back.
  at(stop) {
    const {low, high, stops, grain} = this;
    const size = this.log ? (low * (high / low) ** (stop / stops)).toPrecision(3) : (low + stop * grain).toPrecision(12);
    return stop < 1 ? low : stop < stops ? Number(size) : high;
  }

  stop(size) {
    const {low, high, stops} = this;
    return this.log ? stops * Math.log(size / low) / Math.log(high / low) : stops * (size - low) / (high - low);
  }

  choose(size, typing) {
    this.size = clamp(size, this.low, this.high);
    if (!typing) this.settle();
    this.moved(this.log ? `${this.size} log` : this.size === this.first ? '' : this.size);
  }

  settle() {
    this.typed.value = Number(this.size.toPrecision(7));
    this.typed.setAttribute('aria-invalid', false);
  }

  lossAt(w) { return this.least + this.curvature / 2 * (w - this.optimum) ** 2; }

  // What is shown, from the step size; `weights` and `errors` hold the start and every step.
  get state() {
    const {size, optimum, start, steps} = this, product = size * this.curvature, weights = [start];
    for (let t = 0; t < steps; t++) weights.push(weights[t] - product * (weights[t] - optimum));
    const errors = weights.map(w => (w - optimum) / (start - optimum));
    const outside = errors.findIndex(e => Math.abs(e) > reach);
    return {
      size, product, factor: 1 - product, verdict: verdict(1 - product, steps), weights, errors,
      loss: this.lossAt(weights[steps]), leaves: outside < 0 ? null : outside - 1,
    };
  }

  draw(width) {
    const $ = this.part$, {optimum, least, steps, curvature} = this, now = this.state, zone = zoneOf(now.factor);
    const product = decimals(now.product), factor = decimals(now.factor), size = short(now.size, 7);
    const rule = product + (product === '2' ? '' : now.product < 2 ? ' < 2' : ' > 2');
    const end = short(now.weights[steps]), best = short(optimum), half = width > 520 ? (width - 16) / 2 : width;

    this.style.setProperty('--zone', zone.colour);
    this.slider.value = Math.round(this.stop(now.size));
    this.slider.setAttribute('aria-valuetext', `${size}, ${now.verdict}`);
    // The slider's track shows where the zones begin.
    const [two, one] = [2, 1].map(p => `calc(12px + (100% - 24px) * ${this.stop(p / curvature) / this.stops})`), [red, amber, blue] = zones.map(z => z.colour);
    this.slider.style.setProperty('--track', `linear-gradient(90deg,${blue} ${one},${amber} ${one},${amber} ${two},${red} ${two})`);
    for (const button of $('.presets').children) button.setAttribute('aria-pressed', Number(button.value) === now.size);
    $('.rule').innerHTML = `<span>step size × curvature = ${rule}</span><span>error factor = 1 − ${product} = ${factor}</span>`;
    this.drawLine(width, now.factor, factor);

    const far = reach * Math.abs(this.start - optimum), x = [optimum - far, optimum + far], top = this.lossAt(x[1]);
    const out = now.leaves === null ? '' : `leaves the picture after step ${now.leaves}`;
    this.picture('.parabola', half, now, zone, {
      title: 'The path on the loss', note: out || `least loss ${short(least, 4)} at w = ${best}`,
      label: 'weight w', x, y: [least - .04 * (top - least), top],
      lines: [['loss', range(...x).map(w => [w, this.lossAt(w)])], ['faint', [[optimum, least], [optimum, top]]]],
      points: now.weights.map(w => [w, this.lossAt(w)]), start: 'start',
      alt: `Loss against weight, a parabola, least at w = ${best}; the path from ${now.weights.slice(0, 4).map(w => short(w, 4)).join(', ')}… ${out || `is at ${end} after ${steps} steps`}.`,
    });
    const left = short(now.errors[steps], 3), strength = Math.abs(now.factor);
    const bound = sign => ['faint', range(0, steps).map(t => [t, sign * strength ** t]).filter(p => sign * p[1] <= reach && strength > .01)];
    this.picture('.errors', half, now, zone, {
      title: 'The error, in units of the first', note: out || `after ${steps} steps it is ${left}`,
      label: 'step', x: [0, steps], y: [-reach, reach],
      lines: [['axis', [[0, 0], [steps, 0]]], bound(1), bound(Math.sign(now.factor) || 1)],
      points: now.errors.map((e, t) => [t, e]), start: '',
      alt: `Error against step, in units of the first; the path from ${now.errors.slice(0, 4).map(e => short(e, 4)).join(', ')}… ${out || `is at ${left} after ${steps} steps`}.`,
    });
    this.say(`Step size ${size}: step size × curvature = ${rule}, so each step multiplies the error by ${factor} and `
      + `${this.data[now.verdict]}. After ${steps} steps w = ${end} and the loss is ${short(now.loss)} `
      + `(least: ${short(least)}, at w = ${best}).`, now.verdict);
  }

  // The number line of the error factor.
  drawLine(width, factor, label) {
    const at = f => 8 + (clamp(f, -1.2, 1) + 1.2) / 2.2 * (width - 16), active = zoneOf(factor), x = at(factor);
    this.paint('.line', width, 74, `Error factor ${label}; below −1 the path diverges, below 0 it overshoots.`,
      zones.map(({name, from, to, colour}, i) => `<path d="M${px(at(from))} 32H${px(at(to))}" style="stroke:${colour};stroke-width:10;stroke-dasharray:${i ? 0 : '4 1.5'};stroke-opacity:${name === active.name ? 1 : .5}"/>`
      + text(i ? at((from + to) / 2) : 0, 69, name, i ? 'middle' : 'start', name === active.name ? 'on' : '')).join('')
      + [-1, 0, 1].map(f => path([[at(f), 24], [at(f), 41]], 'axis') + text(at(f), 54, short(f))).join('')
      + `<path class="mark" d="M-6 17H6L0 27z" transform="translate(${px(x)})"/>` + text(clamp(x, 24, width - 24), 12, label, 'middle', 'on'));
  }

  // A picture: title, note, axes and lines, and the path with its marks up to the border; where it
  // leaves, an arrow points the way.
  picture(name, width, {leaves}, zone, {title, note, label, x, y, lines, points, start, alt}) {
    const height = clamp(width * .82, 240, 300), l = 40, r = width - 8, t = 46, b = height - 40;
    const across = v => l + (v - x[0]) / (x[1] - x[0]) * (r - l), up = v => b - (v - y[0]) / (y[1] - y[0]) * (b - t);
    const place = all => all.map(p => [across(p[0]), up(p[1])]), all = place(points), inside = leaves === null ? all : all.slice(0, leaves + 1);
    const [x0, y0] = all[0], [xe, ye] = inside.at(-1), way = [...inside];
    let exit = '';
    if (leaves !== null) {
      const [xn, yn] = all[leaves + 1], dx = xn - xe, dy = yn - ye;
      const share = Math.min(((dx > 0 ? r : l) - xe) / dx || 1, ((dy > 0 ? b : t) - ye) / dy || 1);
      way.push([xe + share * dx, ye + share * dy]);
      exit = `<path class="exit" d="M-9 -6 0 0 -9 6" transform="translate(${way.at(-1).map(px)}) rotate(${px(Math.atan2(dy, dx) * 180 / Math.PI)})"/>`;
    }
    this.paint(name, width, height, alt, text(0, 14, title, 'start', 'on') + text(0, 32, note, 'start') + text((l + r) / 2, height - 6, label)
      + path([[l, t], [l, b], [r, b]], 'axis')
      + ticks(...x).map(v => path([[across(v), b], [across(v), b + 5]], 'axis') + text(across(v), b + 18, short(v))).join('')
      + ticks(...y).map(v => path([[l, up(v)], [l - 5, up(v)]], 'axis') + text(l - 8, up(v) + 4, short(v), 'end')).join('')
      + lines.map(([kind, line]) => line.length ? path(place(line), kind) : '').join('')
      + path(way, 'way') + exit
      + inside.slice(1).map(p => `<path class="mark" d="${zone.mark}" transform="translate(${p.map(px)})"/>`).join('')
      + `<circle class="start" r="5" transform="translate(${all[0].map(px)})"/>`
      + text(x0 - 8, y0 + 4, start, 'end'));
  }
}

// A notebook runs this again whenever a cell is run; the element is defined once.
if (!customElements.get('adl-descent')) customElements.define('adl-descent', Descent);
