"use strict";
(() => {
  const HEIGHT = 190, TALL = 300;
  const { colour, short, axis, readByKey, keepDrawn } = charts;

  // ---- numbers as people read them
  const percent = (x) => {
    const share = 100 * (1 - 1 / x);
    return String(Number(share.toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 2) + (x > 1 && x < 10 ? 1 : 0))));
  };

  // ---- a logarithmic axis names 1, 2 and 5 of each decade, or the decades alone when there are many
  const logSplits = (_, __, low, high) => {
    const wide = Math.log10(high / low) > 3.2;
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const step of wide ? [1] : [1, 2, 5]) {
        const value = Number((step * 10 ** power).toPrecision(1));
        if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
      }
    return found;
  };
  const tailSplits = (_, __, low, high) => [1, 2, 4, 10, 20, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter((x) => x >= low && x <= high);

  // ---- what is drawn beside the lines
  const shadeWarmUp = (u, until) => {
    const end = u.valToPos(until, "x", true);
    const { left, top, width, height } = u.bbox;
    const right = Math.min(end, left + width);
    if (!(until > 0) || right <= left) return;
    u.ctx.save();
    u.ctx.fillStyle = colour("shade");
    u.ctx.fillRect(left, top, right - left, height);
    u.ctx.fillStyle = colour("quiet");
    u.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textBaseline = "top";
    u.ctx.textAlign = "left";
    if (u.ctx.measureText("warm-up").width + 8 * devicePixelRatio < right - left)
      u.ctx.fillText("warm-up", left + 4 * devicePixelRatio, top + 4 * devicePixelRatio);
    u.ctx.restore();
  };
  const MARKS = {
    dot: (ctx, x, y, r) => { ctx.moveTo(x + r, y); ctx.arc(x, y, r, 0, 7); },
    cross: (ctx, x, y, r) => { ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r); },
    limit: (ctx, x, y, r) => { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y); ctx.lineTo(x, y + r); ctx.lineTo(x - r, y); ctx.closePath(); },
  };
  const SIZES = { dot: 1.6, cross: 3.4, limit: 5 };
  const drawPoints = (u, points) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { mark, x, y } of points) {
      ctx.beginPath();
      for (let i = 0; i < x.length; i++) {
        const floor = u.scales.y.min;
        MARKS[mark](ctx, u.valToPos(x[i], "x", true), u.valToPos(Math.max(y[i], floor), "y", true), SIZES[mark] * ratio);
      }
      ctx.fillStyle = colour("dot");
      ctx.strokeStyle = colour(mark === "limit" ? "promise" : "cross");
      ctx.lineWidth = 1.6 * ratio;
      if (mark === "dot") ctx.fill(); else ctx.stroke();
    }
    ctx.restore();
  };

  // ---- from the page's data to uPlot's options
  const extent = (chart, isRight) => {
    let low = Infinity, high = -Infinity;
    const take = (value) => {
      if (value == null || (chart.is_log && value <= 0)) return;
      if (value < low) low = value;
      if (value > high) high = value;
    };
    for (const each of chart.series) if (each.is_right === isRight) each.values.forEach(take);
    if (!isRight) for (const each of chart.points) each.y.forEach(take);
    return low <= high ? [low, high] : chart.is_log ? [1, 10] : [0, 1];
  };
  const scale = (chart, isRight) => {
    const [low, high] = extent(chart, isRight);
    if (!chart.is_log) return { range: () => [0, (high || 1) * 1.12] };
    const room = Math.max(high / low, 2) ** 0.06;
    return { distr: 3, range: () => [low / room, high * room] };
  };
  const stacked = (chart) => {
    const sums = chart.x.map(() => 0);
    return chart.series.map((each) => each.style !== "stack" ? each
      : { ...each, shown: each.values, values: each.values.map((value, i) => (sums[i] += value ?? 0)) });
  };
  const plotted = (each) => {
    const ink = colour(`c${each.colour}`);
    const isStack = each.style === "stack";
    return {
      label: each.name,
      scale: each.is_right ? "right" : "y",
      stroke: ink,
      width: isStack ? 0 : each.style === "faint" ? 4 : 1.6,
      alpha: each.style === "faint" ? 0.45 : 1,
      dash: each.style === "dashed" ? [6, 4] : undefined,
      fill: isStack ? ink : undefined,
      paths: isStack ? uPlot.paths.bars({ size: [1, Infinity], gap: 0 }) : undefined,
      points: { show: false },
      spanGaps: false,
      value: (_, __, ___, index) => index == null ? "" : short((each.shown ?? each.values)[index]),
    };
  };
  const valueAxis = (chart, isRight) => axis({
    scale: isRight ? "right" : "y",
    side: isRight ? 1 : 3,
    size: 46,
    grid: isRight ? { show: false } : { stroke: colour("grid"), width: 1 },
    values: (_, splits) => splits.map(short),
    ...(isRight ? { label: chart.right_unit, labelSize: 16, labelFont: "11px system-ui, sans-serif", labelGap: 0 } : {}),
    ...(chart.is_log ? { splits: logSplits, filter: (_, splits) => splits } : {}),
  });
  // Unless zoomed, every time axis spans the whole run, whatever part of it was read.
  const wholeRun = ({ x }, end) => (_, low, high) => low === x[0] && high === x.at(-1) ? [0, end] : [low, high];
  const options = (chart, series, page, group, width, height) => {
    const isTime = chart.axis === "time";
    const hasRight = series.some((each) => each.is_right);
    return {
      width, height,
      padding: [8, hasRight ? 0 : isTime ? 12 : 20, 0, 0],
      cursor: { y: false, sync: isTime ? { key: group, setSeries: false } : undefined, drag: { x: true, y: false }, points: { size: 6 }, focus: { prox: -1 } },
      legend: { live: true, markers: { width: 2, dash: (_, i) => series[i - 1]?.style === "dashed" ? "dashed" : "solid" } },
      scales: {
        x: isTime ? { time: false, range: wholeRun(chart, page.end_s) } : { time: false, distr: 3, range: () => [1, chart.x.at(-1)] },
        y: scale({ ...chart, series }, false),
        ...(hasRight ? { right: scale({ ...chart, is_log: false, series }, true) } : {}),
      },
      axes: [
        isTime ? axis({ size: 26, values: (_, splits) => splits.map((at) => `${short(at)} s`) })
          : axis({ size: 26, splits: tailSplits, filter: (_, splits) => splits, values: (_, splits) => splits.map((x) => `P${percent(x)}`) }),
        valueAxis(chart, false),
        ...(hasRight ? [valueAxis(chart, true)] : []),
      ],
      series: [
        { label: "\u200b", value: (_, x) => x == null ? "" : isTime ? `at ${x.toFixed(2)} s` : `P${percent(x)}` },
        ...series.map(plotted),
      ],
      hooks: {
        drawClear: isTime ? [(u) => shadeWarmUp(u, page.judged_from_s)] : [],
        drawAxes: [(u) => drawPoints(u, chart.points.filter((each) => each.mark === "dot"))],
        draw: [(u) => drawPoints(u, chart.points.filter((each) => each.mark !== "dot"))],
      },
    };
  };
  const draw = (element, chart, page, group, isFirst) => {
    element.chart?.destroy();
    const width = element.clientWidth || 300;
    const height = isFirst && width > 500 ? TALL : HEIGHT;
    const series = stacked(chart);
    if (series.some((each) => each.style === "stack")) series.reverse(); // the highest layer lies behind
    const ordered = options(chart, series, page, group, width, height);
    element.chart = new uPlot(ordered, [chart.x, ...series.map((each) => each.values)], element);
  };
  const drawSection = (section) => {
    const holder = section.querySelector(".charts");
    if (!holder) return;
    const page = JSON.parse(document.getElementById(holder.dataset.for).textContent);
    const ends = page.charts.filter((chart) => chart.axis === "time").map((chart) => chart.x.at(-1) ?? 0);
    page.end_s = Math.max(page.end_s, ...ends);
    holder.querySelectorAll(".chart").forEach((element, i) => draw(element, page.charts[i], page, section.id, i === 0));
  };
  const sections = [...document.querySelectorAll("details.card")];
  const redraw = () => sections.filter((each) => each.open).forEach(drawSection);

  // ---- the keyboard reads and leaves a chart as the mouse does
  const onKey = (event) => {
    if (event.key === "Escape" && event.target.chart) unzoom(event.target);
    readByKey(event);
  };
  const unzoom = (element) => {
    for (const each of element.closest(".charts").querySelectorAll(".chart")) {
      each.chart?.setData(each.chart.data); // draws all of it
    }
  };

  // ---- the filter
  const form = document.getElementById("filter");
  const filter = () => {
    const words = form.elements.words.value.trim().toLowerCase();
    const verdicts = [...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value);
    for (const each of document.querySelectorAll("[data-name]"))
      each.hidden = !(each.dataset.name.toLowerCase().includes(words) && verdicts.includes(each.dataset.verdict));
    document.getElementById("nothing").hidden = sections.some((each) => !each.hidden);
  };
  form?.addEventListener("input", filter);
  form?.addEventListener("submit", (event) => event.preventDefault());

  // ---- opening and closing
  for (const each of sections) each.addEventListener("toggle", () => each.open && drawSection(each));
  document.getElementById("open").addEventListener("click", () => sections.forEach((each) => { each.open = true; }));
  document.getElementById("close").addEventListener("click", () => sections.forEach((each) => { each.open = false; }));
  const goTo = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches("details")) target.open = true;
  };
  addEventListener("hashchange", goTo);
  document.querySelector(".verdicts")?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) document.getElementById(link.hash.slice(1)).open = true;
  });
  document.addEventListener("keydown", onKey);

  keepDrawn(redraw);
  for (const each of document.querySelectorAll("#filter, .buttons, #hint")) each.hidden = false;
  const notMet = sections.filter((each) => each.dataset.verdict !== "met");
  if (sections.some((each) => each.open)) redraw();
  else for (const each of notMet.length ? notMet.slice(0, 1) : sections.slice(0, 1)) each.open = true;
  goTo();
})();
