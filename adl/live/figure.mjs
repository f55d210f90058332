// What all figures of the course share: a custom element with an open shadow root, drawn anew
// whenever its width or its state changes; a sentence that says what is seen; state in the URL.
//
// A figure extends `Figure` and has
//   static sheet      its style sheet
//   content()         the inner HTML
//   ready(state)      called once; `state` is the text from the URL, or null
//   draw(width)       draws everything, `width` pixels wide

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export const minus = text => text.replace('e+', 'e').replace(/-/g, '−');

// A number in few characters: 2.0207, 5.8e21. Python's side is adl.live.short.
export function short(value, digits = 5) {
  const v = Number(value.toPrecision(digits)), size = Math.abs(v);
  return minus(size && (size < 1e-4 || size >= 10 ** digits) ? v.toExponential() : String(v));
}

// About five round numbers from `low` to `high`.
export function ticks(low, high) {
  const rough = (high - low) / 5, ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find(m => m * ten >= rough), all = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) all.push(Number((i * step).toPrecision(9)));
  return all;
}

const sheet = `
:host{display:block;max-width:44rem;margin:1.25rem 0;container-type:inline-size}
*{box-sizing:border-box}
svg{display:block;width:100%;height:auto;font-size:12.5px;overflow:hidden}
text{fill:currentColor}
p{margin:.5rem 0 0}
.unseen{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
:focus-visible{outline:2px solid;outline-offset:2px}
@media print{:host{break-inside:avoid}.controls{display:none}}`;

export class Figure extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) {
      const root = this.attachShadow({mode: 'open'});
      root.innerHTML = `<style>${sheet}${this.constructor.sheet}</style>${this.content()}<p class="say" aria-hidden="true"></p><p class="unseen" role="status"></p>`;
      this.part$ = selector => root.querySelector(selector);
      this.ready(this.recall());
    }
    this.width = 0;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this);
    this.fit();
  }

  disconnectedCallback() {
    this.observer.disconnect();
    clearTimeout(this.later);
  }

  // Attributes that are numbers become properties.
  numbers(...names) {
    for (const name of names) this[name] = Number(this.getAttribute(name));
  }

  // Data that Python put inside the element as JSON.
  get data() {
    const script = this.querySelector('script[type="application/json"]');
    return script && JSON.parse(script.textContent);
  }

  fit() {
    const width = Math.round(this.clientWidth) || 640;
    if (width !== this.width) this.draw(this.width = width);
  }

  // One of the figure's SVG pictures, with the words for those who do not see it.
  paint(selector, width, height, label, content) {
    const svg = this.part$(selector);
    svg.setAttribute('role', 'img');
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('aria-label', label);
    svg.innerHTML = content;
  }

  // After a reader's move: draw now; tell screen readers and the address bar when it has settled.
  // `state` is what `ready` gets when the address is opened again, '' for the state at the start.
  moved(state) {
    this.draw(this.width);
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      this.part$('[role=status]').textContent = this.sentence;
      this.remember(state);
    }, 400);
  }

  // The sentence is seen at once; the copy in the live region is what a screen reader announces.
  say(sentence, emphasised) {
    this.part$('.say').innerHTML = sentence.replace(/</g, '&lt;').replace(emphasised, '<strong>$&</strong>');
    this.part$('[role=status]').textContent ||= sentence;
    this.sentence = sentence;
  }

  // State goes into the address on the course's website only, never in a notebook.
  get key() {
    if (!document.querySelector('meta[name="adl-site"]')) return null;
    const place = [...document.querySelectorAll(this.localName)].indexOf(this);
    return place > 0 ? `${this.localName}-${place + 1}` : this.localName;
  }

  recall() {
    return this.key && new URL(location).searchParams.get(this.key);
  }

  remember(state) {
    if (!this.key) return;
    const url = new URL(location);
    if (state) url.searchParams.set(this.key, state); else url.searchParams.delete(this.key);
    try { history.replaceState(history.state, '', url); } catch { /* a file may not */ }
  }
}
