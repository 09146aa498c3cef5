// uPlot, loaded once a chart is drawn, and the page's colours for its canvas.

/** @type {Promise<any> | null} */
let loading = null;

/** The class of charts. @returns {Promise<any>} */
export function loadPlot() {
  loading ??= new Promise((done, failed) => {
    const style = document.createElement('link');
    style.rel = 'stylesheet';
    style.href = new URL('../../vendor/uplot.css', import.meta.url).href;
    const script = document.createElement('script');
    script.src = new URL('../../vendor/uplot.js', import.meta.url).href;
    script.onload = () => done(/** @type {any} */ (window).uPlot);
    script.onerror = () => failed(new Error(`${script.src} could not be loaded`));
    document.head.append(style, script);
  });
  return loading;
}

/** The present value of colours of the style sheet. @param {string[]} names without their dashes */
export function colours(names) {
  const probe = document.createElement('i');
  document.body.append(probe);
  const values = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return values;
}
