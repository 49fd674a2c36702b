"use strict";
(() => {
  const HEIGHT = 190, LABEL_HEIGHT = 15;
  const { colour, short, axis, readByKey, keepDrawn } = charts;
  const records = JSON.parse(document.getElementById("records").textContent);
  const numbers = records.map((_, number) => number);

  const name = (number) => records[number] ? `at ${records[number][0]} · ${records[number][1].slice(0, 10)}` : "";
  const years = new Set(records.map(([, at]) => at.slice(0, 4)));
  const day = (number) => records[number] ? records[number][1].slice(...(years.size > 1 ? [0, 7] : [5, 10])) : "";

  // ---- where a figure stayed, as one value for every record of the stretch
  const level = (line) => {
    const values = numbers.map(() => null);
    for (const { first, last, mean } of line.stays) values.fill(mean, first, last + 1);
    return values;
  };

  // ---- room to see a change, and not so much that noise looks like one
  const range = (lines) => {
    const known = lines.flatMap((line) => line.values).filter((value) => value !== null);
    const low = Math.min(...known), high = Math.max(...known);
    const room = Math.max(high - low, 0.2 * high) || 1;
    return [Math.max(low - room, 0), high + 0.55 * room];
  };

  // ---- a change is a line across the chart, with its sign and a word's sign above
  const drawMarks = (u, marks) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    let row = 0, last = -Infinity;
    ctx.save();
    ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    for (const { number, text, is_worse } of marks) {
      const x = Math.round(u.valToPos(number, "x", true));
      const label = `${is_worse ? "✕" : "✓"} ${text}`;
      const width = ctx.measureText(label).width;
      const left = Math.max(Math.min(x + 4 * ratio, bbox.left + bbox.width - width), bbox.left);
      row = left < last + 6 * ratio ? row + 1 : 0;
      last = Math.max(last, left + width);
      ctx.fillStyle = ctx.strokeStyle = colour(is_worse ? "missed" : "met");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash(is_worse ? [] : [4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(label, left, bbox.top + (2 + row * LABEL_HEIGHT) * ratio);
    }
    ctx.restore();
  };

  // ---- from the page's data to uPlot's options
  const value = (_, __, series, index) => index == null ? "" : short(_.data[series][index]);
  const plotted = (line) => {
    const ink = colour(`c${line.colour}`);
    return [
      { label: line.name, stroke: ink, fill: ink, value, alpha: 0.6, paths: () => null, points: { show: true, size: 4, width: 0, fill: ink } },
      { label: "level", stroke: ink, width: 2, value, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
    ];
  };
  const options = (chart, width) => ({
    width,
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    cursor: { y: false, sync: { key: "commits", setSeries: false }, drag: { x: false, y: false }, points: { size: 7 }, focus: { prox: -1 } },
    legend: { live: true },
    scales: {
      x: { time: false, range: () => [-0.5, numbers.length - 0.5] },
      y: { range: () => range(chart.lines) },
    },
    axes: [
      axis({ size: 26, space: 60, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], values: (_, splits) => splits.map(day) }),
      axis({ size: 46, values: (_, splits) => splits.map(short) }),
    ],
    series: [{ label: "\u200b", value: (_, number) => number == null ? "" : name(number) }, ...chart.lines.flatMap(plotted)],
    hooks: { draw: [(u) => drawMarks(u, chart.marks)] },
  });
  const draw = (element, chart) => {
    element.chart?.destroy();
    const data = [numbers, ...chart.lines.flatMap((line) => [line.values, level(line)])];
    element.chart = new uPlot(options(chart, element.clientWidth || 300), data, element);
  };
  const drawCard = (card) => {
    const holder = card.querySelector(".charts");
    if (!holder) return;
    holder.hidden = false;
    const drawn = JSON.parse(document.getElementById(holder.dataset.for).textContent);
    holder.querySelectorAll(".chart").forEach((element, i) => draw(element, drawn[i]));
  };
  const cards = [...document.querySelectorAll("details.card")];

  // ---- opening and closing
  for (const each of cards) each.addEventListener("toggle", () => each.open && drawCard(each));
  document.getElementById("open").addEventListener("click", () => cards.forEach((each) => { each.open = true; }));
  document.getElementById("close").addEventListener("click", () => cards.forEach((each) => { each.open = false; }));
  const goTo = (hash) => {
    const target = document.getElementById(hash.slice(1));
    if (target?.matches("details")) target.open = true;
  };
  addEventListener("hashchange", () => goTo(location.hash));
  document.querySelector(".moved")?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) goTo(link.hash);
  });
  document.addEventListener("keydown", readByKey);

  const redraw = () => cards.filter((each) => each.open).forEach(drawCard);
  keepDrawn(redraw);
  document.querySelector(".buttons").hidden = document.getElementById("hint").hidden = false;
  if (cards.length && !cards.some((each) => each.open)) cards[0].open = true;
  goTo(location.hash);
  redraw();
})();
