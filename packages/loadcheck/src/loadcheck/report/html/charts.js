"use strict";
/* What the charts of every page share. */
const charts = (() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const short = (value) => value == null ? "–"
    : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(3)));

  const axis = (more) => ({
    stroke: colour("quiet"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
    gap: 4,
    ...more,
  });

  // ---- the keyboard moves the cursor as the mouse does
  const readByKey = (event) => {
    const u = event.target.chart;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!u || !step) return;
    event.preventDefault();
    const last = u.data[0].length - 1;
    const index = Math.min(Math.max((u.cursor.idx ?? (step > 0 ? -1 : last + 1)) + step, 0), last);
    u.setCursor({ left: u.valToPos(u.data[0][index], "x"), top: u.bbox.height / 2 / devicePixelRatio }, true, true);
  };

  // ---- another width, another scheme, paper
  const keepDrawn = (redraw) => {
    let widest = innerWidth, pending = 0;
    addEventListener("resize", () => {
      if (innerWidth === widest) return;
      widest = innerWidth;
      cancelAnimationFrame(pending);
      pending = requestAnimationFrame(redraw);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    const onPaper = (is) => { document.documentElement.toggleAttribute("data-print", is); redraw(); };
    addEventListener("beforeprint", () => onPaper(true));
    addEventListener("afterprint", () => onPaper(false));
  };

  return { colour, short, axis, readByKey, keepDrawn };
})();
