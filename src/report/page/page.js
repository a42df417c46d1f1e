'use strict';
(function () {
  const data = JSON.parse(document.getElementById('data').textContent);
  const words = data.words || {};
  const T = (text) => words[text] || text;
  const tip = document.getElementById('tip');
  const SVG = 'http://www.w3.org/2000/svg';

  // ---- elements

  function el(name, attributes, ...children) {
    const node = document.createElement(name);
    return fill(node, attributes, children);
  }
  function svg(name, attributes, ...children) {
    const node = document.createElementNS(SVG, name);
    return fill(node, attributes, children);
  }
  function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {}))
      if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== null && value !== false)
        node.setAttribute(key, value === true ? '' : value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  // A long name may be broken behind its underscores.
  function breakable(name) {
    return name.split(/(?<=_)/).flatMap((part, i) => i ? [el('wbr'), part] : [part]);
  }

  // ---- numbers: four digits that count

  function figure(value) {
    if (value === null || value === undefined || !isFinite(value)) return '–';
    if (value === 0) return '0';
    const size = Math.abs(value);
    if (size >= 1e10 || size < 1e-6) return value.toExponential(2);
    const digits = size < 0.1 ? 3 : 4;
    const rounded = Number(size.toPrecision(digits)); // 9.9996 is 10.00
    const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(rounded)));
    return value.toLocaleString('en-US', {
      minimumFractionDigits: Math.min(decimals, 12),
      maximumFractionDigits: Math.min(decimals, 12),
    });
  }
  // As ratios are said: two decimals.
  function ratioText(value) {
    if (value === null || !isFinite(value)) return '–';
    if (value < 0.00095 || value >= 1e6) return value.toExponential(0) + 'x';
    return value.toFixed(value < 0.095 ? 3 : value < 99.5 ? 2 : 0) + 'x';
  }
  // Of an axis: no more digits than the step has.
  function tickText(value, step) {
    if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4))
      return value.toExponential(0);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return value.toLocaleString('en-US', {maximumFractionDigits: Math.min(decimals, 12)});
  }

  // ---- scales

  function linear(low, high, from, to) {
    const scale = (v) => from + ((v - low) / (high - low || 1)) * (to - from);
    const rough = (high - low) / Math.max(2, Math.abs(to - from) / (to < from ? 36 : 64));
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
    scale.ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
      scale.ticks.push({at: i * step + 0, text: tickText(i * step + 0, step)});
    return scale;
  }
  function logarithmic(low, high, from, to) {
    const a = Math.log(low), b = Math.log(high);
    const scale = (v) => from + ((Math.log(v) - a) / (b - a || 1)) * (to - from);
    const room = Math.max(2, Math.abs(to - from) / 60);
    let ticks = [];
    for (const steps of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]) {
      const next = [];
      for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
        for (const k of steps) {
          const v = k * Math.pow(10, e);
          if (v >= low * 0.999 && v <= high * 1.001) next.push(v);
        }
      if (next.length > room && ticks.length > 1) break;
      ticks = next;
    }
    if (ticks.length < 2 || high / low < 3) {
      const even = linear(low, high, from, to).ticks;
      scale.ticks = even.filter((t) => t.at > 0);
    } else {
      scale.ticks = ticks.map((v) => ({at: v, text: tickText(v, v)}));
    }
    return scale;
  }

  // ---- marks: a colour and a shape for each machine; OFF and ON: full and open

  function colourOf(series) {
    if (series.colour < 0) return 'var(--soft)';
    const colour = data.palette[series.colour % data.palette.length];
    return colour === '#000000' ? 'var(--ink)' : colour;
  }
  function shape(series, x, y, size) {
    const kind = (series.colour + series.variant + 4) % 4;
    const r = series.light ? size + 1.5 : size;
    const node = kind === 0 ? svg('circle', {cx: x, cy: y, r: r}) : svg('path', {
      d: kind === 1 ? `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`
        : kind === 2 ? `M${x} ${y - 1.25 * r}l${1.2 * r} ${2.1 * r}h${-2.4 * r}z`
          : `M${x} ${y - 1.35 * r}l${1.35 * r} ${1.35 * r}l${-1.35 * r} ${1.35 * r}l${-1.35 * r} ${-1.35 * r}z`,
    });
    node.setAttribute('class', 'shape');
    paint(node, series);
    return node;
  }
  function paint(node, series) {
    node.style.fill = series.light ? (node.tagName === 'rect' ? 'var(--paper)' : 'none') : colourOf(series);
    node.style.stroke = colourOf(series);
    node.style.strokeWidth = 1.6;
  }

  function showTip(node, text) {
    const box = node.getBoundingClientRect();
    tip.textContent = text;
    tip.hidden = false;
    const own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(4, box.left + box.width / 2 - own.width / 2),
      document.documentElement.clientWidth - own.width - 4);
    const above = box.top - own.height - 6;
    tip.style.left = left + 'px';
    tip.style.top = (above > 4 ? above : box.bottom + 6) + 'px';
  }
  function hideTip() { tip.hidden = true; }
  document.addEventListener('keydown', (e) => { if (e.key === 'Escape') hideTip(); });
  document.addEventListener('scroll', hideTip, true);

  // One mark of a picture: what it says is shown on hover and on focus.
  function mark(text, hit, ...nodes) {
    hit.setAttribute('class', 'hit');
    return svg('g', {
      class: 'mark', role: 'img', tabindex: -1, 'aria-label': text.replace(/\n/g, ', '),
      onpointerenter: (e) => showTip(e.currentTarget, text), onpointerleave: hideTip,
      onfocus: (e) => showTip(e.currentTarget, text), onblur: hideTip,
    }, ...nodes, hit);
  }
  // One stop for the tab key in each picture; arrows go from mark to mark.
  function rove(picture) {
    const marks = [...picture.querySelectorAll('.mark')];
    if (marks.length > 0) marks[0].setAttribute('tabindex', 0);
    picture.addEventListener('keydown', (e) => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
      const at = marks.indexOf(document.activeElement);
      if (!step || at < 0) return;
      const next = marks[Math.min(Math.max(at + step, 0), marks.length - 1)];
      marks[at].setAttribute('tabindex', -1);
      next.setAttribute('tabindex', 0);
      next.focus();
      e.preventDefault();
    });
  }

  function interval(p) {
    return p[2] === null || p[3] === null ? '' : ` [${figure(p[2])}, ${figure(p[3])}]`;
  }
  // As the letters of a picture are set.
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = '12px ' + getComputedStyle(document.body).fontFamily;
  const widths = new Map();
  function textWidth(text) {
    if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
    return widths.get(text);
  }
  function shorten(text, room) {
    if (textWidth(text) <= room) return text;
    const letters = [...text];
    while (letters.length > 3 && textWidth(letters.join('')) > room - 8)
      letters.splice(Math.floor(letters.length / 2), 1);
    letters.splice(Math.ceil(letters.length / 2), 0, '…');
    return letters.join('');
  }
  function extent(panel, which) {
    const values = [];
    for (const s of panel.series)
      for (const p of s.points)
        for (const k of which) if (p[k] !== null) values.push(p[k]);
    return values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  }
  function whisker(x1, y1, x2, y2) {
    const across = x1 === x2;
    const end = (x, y) => across ? `M${x - 3.5} ${y}h7` : `M${x} ${y - 3.5}v7`;
    return svg('path', {class: 'error', d: `M${x1} ${y1}L${x2} ${y2}` + end(x1, y1) + end(x2, y2)});
  }
  function xAxis(scale, width, top, bottom, label, left, edge) {
    const g = svg('g', {'aria-hidden': 'true'});
    let last = -1e9;
    for (const tick of scale.ticks) {
      const x = scale(tick.at);
      g.append(svg('line', {class: 'grid-line', x1: x, x2: x, y1: top, y2: bottom}));
      const half = textWidth(tick.text) / 2;
      if (x - half < last + 6 || x + half > edge) continue;
      last = x + half;
      g.append(svg('text', {x: x, y: bottom + 16, 'text-anchor': 'middle'}, tick.text));
    }
    g.append(svg('line', {class: 'axis', x1: left, x2: width, y1: bottom, y2: bottom}));
    if (label) g.append(svg('text', {x: (left + width) / 2, y: bottom + 34, 'text-anchor': 'middle'}, label));
    return g;
  }

  // ---- bars and ratios: categories below each other

  function drawRows(chart, panel, width) {
    const isRatio = chart.kind === 'ratios';
    const unit = isRatio ? '' : ' ' + chart.y;
    const room = Math.min(Math.max(...panel.ticks.map(textWidth)) + 10, width * 0.52);
    const bar = isRatio ? 22 : panel.series.length > 4 ? 10 : 14;
    const per = panel.series.length * bar + (isRatio ? 4 : 10);
    const isNarrow = width < 480;
    const saidOf = (p) => isRatio ? ratioText(p[1]) + (p[4] && !isNarrow ? ' ' + T(p[4]) : '')
      : bar >= 12 ? figure(p[1]) + (p[4] ? ' ' + p[4] : '') : '';
    const right = Math.max(20, ...panel.series.flatMap((s) => s.points.map((p) => textWidth(saidOf(p)))))
      + (isRatio ? 14 : 12);
    const height = panel.ticks.length * per + 44;
    const bottom = height - 40, from = room, to = Math.max(room + 60, width - right);
    let [low, high] = extent(panel, isRatio ? [1, 2, 3] : [1, 3]);
    let x;
    if (isRatio) {
      low = Math.min(low, 1); high = Math.max(high, 1);
      const wide = Math.max(Math.log(high / low) * 0.08, 0.02);
      x = logarithmic(low * Math.exp(-wide), high * Math.exp(wide), from, to);
    } else {
      x = linear(0, high > 0 ? high * 1.02 : 1, from, to);
    }
    const node = svg('svg', {width: width, height: height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': panel.title});
    node.append(xAxis(x, to, 4, bottom, isRatio ? T(chart.x) : T(chart.y), from, width));
    if (isRatio) node.append(svg('line', {class: 'one', x1: x(1), x2: x(1), y1: 4, y2: bottom}));
    const marks = svg('g', {class: 'marks'});
    panel.ticks.forEach((tick, i) => {
      const y = 4 + i * per;
      const isMean = isRatio && i === panel.ticks.length - 1 && i > 0;
      if (isMean) node.append(svg('line', {class: 'axis', x1: 0, x2: width, y1: y, y2: y}));
      node.append(svg('text', {class: 'name', x: room - 8, y: y + per / 2 + 3, 'text-anchor': 'end'},
        shorten(tick, room - 10), svg('title', {}, tick)));
    });
    panel.series.forEach((s, k) => {
      for (const p of s.points) {
        const tick = panel.ticks[p[0]];
        const y = 4 + p[0] * per + (isRatio ? 2 : 5) + k * bar, middle = y + bar / 2;
        const text = `${tick}\n${s.name}: ${isRatio ? ratioText(p[1]) : figure(p[1]) + unit}${interval(p)}` +
          (p[4] ? '\n' + T(p[4]) : '');
        const parts = [];
        if (isRatio) {
          if (p[2] !== null && p[3] !== null) parts.push(whisker(x(p[2]), middle, x(p[3]), middle));
          parts.push(shape(s, x(p[1]), middle, p[0] === panel.ticks.length - 1 ? 6 : 4.5));
        } else {
          const one = svg('rect', {class: 'shape', x: from, y: y + 1, height: bar - 2, width: Math.max(1, x(p[1]) - from)});
          paint(one, s);
          parts.push(one);
          if (p[2] !== null && p[3] !== null) parts.push(whisker(x(p[2]), middle, x(p[3]), middle));
        }
        const edge = Math.max(x(p[1]), p[3] !== null ? x(p[3]) : 0);
        const said = saidOf(p);
        marks.append(mark(text, svg('rect', {x: from, y: y, width: to - from, height: bar}), ...parts));
        if (said) node.append(svg('text', {class: 'value', x: isRatio ? to + 10 : edge + 6, y: middle + 4, 'aria-hidden': 'true'}, said));
      }
    });
    node.append(marks);
    return node;
  }

  // ---- lines and points

  function frontier(panel) {
    const all = panel.series.flatMap((s) => s.points).sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    const best = [];
    for (const p of all) if (best.length === 0 || p[1] > best[best.length - 1][1]) best.push(p);
    return best;
  }

  // Of shares the ladder of percentiles, read off between two points; else all points.
  function marked(chart, s) {
    if (chart.kind !== 'shares') return s.points;
    return [50, 90, 95, 99].map((share) => {
      const at = s.points.findIndex((p) => p[1] >= share);
      if (at < 0) return null;
      const b = s.points[at], a = s.points[Math.max(at - 1, 0)];
      const part = b[1] > a[1] ? (share - a[1]) / (b[1] - a[1]) : 1;
      return [a[0] + part * (b[0] - a[0]), share, null, null, 'p' + share];
    }).filter(Boolean);
  }

  // Without the lowest hundredth, which would take most of a logarithmic axis.
  function middleOf(panel) {
    const points = panel.series.flatMap((s) => s.points.filter((p, i) => p[1] >= 1 || i === s.points.length - 1));
    return [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))];
  }

  function drawPlane(chart, panel, width) {
    const isTime = chart.name.endsWith('_timeline');
    const isSmall = chart.kind === 'shares' || isTime;
    const height = isSmall ? 210 : 290, top = 24, bottom = height - 42;
    const isPoints = chart.kind === 'points', isShares = chart.kind === 'shares';
    const [, high] = extent(panel, [1, 3]);
    const [xLow, xHigh] = isShares ? middleOf(panel) : extent(panel, [0]);
    const y = linear(0, isShares ? 100 : high > 0 ? high * 1.06 : 1, bottom, top);
    const left = Math.max(...y.ticks.map((t) => textWidth(t.text))) + 14;
    const right = width - 14;
    const isLog = !isTime && xLow > 0 && xHigh / xLow > (isPoints ? 8 : 7);
    const gap = isLog ? Math.pow(xHigh / xLow, 0.05) : (xHigh - xLow || Math.abs(xLow) || 1) * 0.08;
    const x = isLog ? logarithmic(xLow / gap, xHigh * gap, left, right)
      : linear(isTime ? 0 : xLow >= 0 ? Math.max(0, xLow - gap) : xLow - gap, isTime ? xHigh : xHigh + gap, left, right);
    const values = [...new Set(panel.series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
    if (chart.kind === 'lines' && !isTime && values.length <= 9) x.ticks = values.map((v) => ({at: v, text: tickText(v, v < 1 ? v / 10 : 1)}));
    const node = svg('svg', {width: width, height: height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': panel.title});
    node.append(xAxis(x, right, top, bottom, T(chart.x), left, width));
    const axis = svg('g', {'aria-hidden': 'true'});
    for (const tick of y.ticks)
      axis.append(svg('line', {class: 'grid-line', x1: left, x2: right, y1: y(tick.at), y2: y(tick.at)}),
        svg('text', {x: left - 6, y: y(tick.at) + 4, 'text-anchor': 'end'}, tick.text));
    axis.append(svg('text', {x: 0, y: 11}, shorten(T(chart.y), width - 4)));
    node.append(axis);
    if (isPoints) {
      const best = frontier(panel);
      if (best.length > 1)
        node.append(svg('path', {class: 'frontier', d: best.map((p, i) => (i ? `H${x(p[0])}V${y(p[1])}` : `M${x(p[0])} ${y(p[1])}`)).join('')}));
    }
    const marks = svg('g', {class: 'marks'});
    for (const s of panel.series) {
      if (!isPoints && s.points.length > 1) {
        const line = svg('path', {fill: 'none', d: s.points.filter((p) => !isShares || p[0] >= xLow).map((p, i) => `${i ? 'L' : 'M'}${x(p[0])} ${y(p[1])}`).join('')});
        line.style.stroke = colourOf(s);
        line.style.strokeWidth = 2;
        if (s.light) line.style.strokeDasharray = '6 4';
        marks.append(line);
      }
      const isDense = chart.kind === 'lines' && s.points.length > 20;
      for (const p of marked(chart, s)) {
        const parts = [];
        if (p[2] !== null && p[3] !== null) parts.push(whisker(x(p[0]), y(p[2]), x(p[0]), y(p[3])));
        parts.push(shape(s, x(p[0]), y(p[1]), isDense ? 1.2 : 4.5));
        const text = `${s.name}${p[4] ? '\n' + p[4] : ''}\n${T(chart.x)}: ${figure(p[0])}\n${T(chart.y)}: ${figure(p[1])}${interval(p)}`;
        marks.append(mark(text, svg('circle', {cx: x(p[0]), cy: y(p[1]), r: isDense ? 6 : 11}), ...parts));
      }
    }
    node.append(marks);
    return node;
  }

  // ---- a chart: legend, panels, and the same as a table

  function legend(chart) {
    const seen = new Map();
    for (const panel of chart.panels)
      for (const s of panel.series) {
        const key = s.name + (s.light ? '/light' : '') + s.colour + '/' + s.variant;
        if (!seen.has(key)) seen.set(key, s);
      }
    if (seen.size < 2 && chart.kind === 'ratios') return null;
    return el('ul', {class: 'legend'}, ...[...seen.values()].map((s) => el('li', {},
      svg('svg', {width: 16, height: 14, 'aria-hidden': 'true'}, svg('g', {class: 'marks'}, shape(s, 8, 7, 5))), s.name)));
  }

  function asTable(chart) {
    const isPlane = chart.kind !== 'bars' && chart.kind !== 'ratios';
    const body = el('tbody');
    const hasNotes = chart.panels.some((panel) => panel.series.some((s) => marked(chart, s).some((p) => p[4])));
    for (const panel of chart.panels)
      for (const s of panel.series)
        for (const p of marked(chart, s))
          body.append(el('tr', {}, el('th', {scope: 'row'}, panel.title), el('td', {}, s.name),
            isPlane ? el('td', {class: 'n'}, figure(p[0])) : el('td', {}, panel.ticks[p[0]]),
            el('td', {class: 'n'}, figure(p[1])), el('td', {class: 'n'}, figure(p[2])),
            el('td', {class: 'n'}, figure(p[3])), hasNotes ? el('td', {}, p[4] ? T(p[4]) : '') : null));
    const heads = [T('panel'), T('series'), isPlane ? T(chart.x) : T('cell'), T(chart.y), T('low'), T('high')];
    return el('table', {}, el('thead', {}, el('tr', {}, ...heads.map((head, i) =>
      el('th', {scope: 'col', class: i > 2 || (i === 2 && isPlane) ? 'n' : null}, head)),
    hasNotes ? el('th', {scope: 'col'}, T('note')) : null)), body);
  }

  function addChart(place) {
    const chart = data.charts[Number(place.dataset.chart)];
    const title = place.querySelector('figcaption').textContent;
    const panels = el('div', {class: 'grid'});
    const table = el('details', {}, el('summary', {}, T('Show as a table')));
    table.addEventListener('toggle', () => {
      if (table.open && table.children.length === 1)
        table.append(el('div', {class: 'scroll', role: 'group', tabindex: 0, 'aria-label': title}, asTable(chart)));
    });
    for (const panel of chart.panels)
      panels.append(el('div', {class: 'panel'}, el('h3', {}, ...breakable(panel.title)), el('div', {class: 'picture'})));
    place.classList.toggle('half', chart.panels.length === 1);
    place.append(...[legend(chart), panels, table].filter(Boolean));
    let drawn = 0;
    const draw = () => {
      const width = Math.floor(panels.firstChild.clientWidth);
      if (width === drawn || width < 50) return;
      drawn = width;
      hideTip();
      panels.querySelectorAll('.picture').forEach((room, i) => {
        const picture = (chart.kind === 'bars' || chart.kind === 'ratios' ? drawRows : drawPlane)(chart, chart.panels[i], width);
        rove(picture);
        room.replaceChildren(picture);
      });
    };
    draw();
    new ResizeObserver(draw).observe(panels.firstChild);
  }

  // ---- all rows

  const FIRST = ['label', 'instance_type', 'model_name', 'engine_version', 'scenario', 'batch_size', 'request_rate',
    'enable_prefix_caching', 'repeat', 'is_warmup', 'verdict', 'tokens_per_second', 'first_token_latency',
    'inter_token_latency', 'ttft_p99_s', 'usd_per_million_output_tokens', 'cache_hit_rate', 'reasons', 'error'];
  const PAGE = 50;

  function cellText(value) {
    if (value === null || value === undefined) return '–';
    if (value === true) return T('yes');
    if (value === false) return T('no');
    if (typeof value === 'number') return Number.isInteger(value) ? String(value) : figure(value);
    if (Array.isArray(value)) return value.map((v) => typeof v === 'object' ? JSON.stringify(v) : v).join(', ') || '–';
    return typeof value === 'object' ? JSON.stringify(value) : value;
  }

  function columnsOf(rows) {
    return rows.columns.map((c) => {
      const value = 'one' in c ? () => c.one : 'at' in c ? (i) => c.texts[c.at[i]] : (i) => c.all[i];
      let isNumber = false, isOther = false, isWhole = true;
      for (let i = 0; i < rows.count; i++) {
        const v = value(i);
        if (typeof v === 'number') {
          isNumber = true;
          isWhole = isWhole && Number.isInteger(v);
        }
        else if (v !== null) isOther = true;
      }
      return {name: c.name, unit: c.unit, help: c.help, value: value, isOne: 'one' in c, isNumber: isNumber && !isOther, isWhole: isWhole};
    });
  }

  function save(name, type, text) {
    const link = el('a', {href: URL.createObjectURL(new Blob([text], {type: type})), download: name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  // As a spreadsheet takes it: no text is run as a formula.
  function csvCell(value) {
    if (value === null || value === undefined) return '';
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    let text = typeof value === 'object' ? JSON.stringify(value) : value;
    if (/^[=+\-@\t]/.test(text)) text = "'" + text;
    return '"' + text.replace(/"/g, '""') + '"';
  }

  function addRows(place, rows) {
    const columns = columnsOf(rows);
    const byName = new Map(columns.map((c) => [c.name, c]));
    const shown = new Set(FIRST.filter((name) => byName.has(name) && !byName.get(name).isOne));
    for (const name of ['tokens_per_second', 'error']) if (byName.has(name)) shown.add(name);
    if (shown.has('label')) shown.delete('instance_type');
    let sortBy = null, isDown = false, page = 0, found = [];
    const text = el('input', {type: 'search', id: 'filter', oninput: () => refresh(true)});
    const verdicts = [...new Set(byName.has('verdict') ? Array.from({length: rows.count}, (_, i) => byName.get('verdict').value(i)) : [])].filter(Boolean);
    const verdict = el('select', {id: 'verdict', onchange: () => refresh(true)},
      el('option', {value: ''}, T('all')), ...verdicts.map((v) => el('option', {value: v}, v)));
    const said = el('span', {role: 'status'});
    const head = el('thead'), body = el('tbody');
    const table = el('table', {}, head, body);
    const earlier = el('button', {type: 'button', onclick: () => turn(-1)}, T('Earlier'));
    const later = el('button', {type: 'button', onclick: () => turn(1)}, T('Later'));

    const order = () => [...FIRST.filter((n) => shown.has(n)), ...columns.map((c) => c.name).filter((n) => shown.has(n) && !FIRST.includes(n))].map((n) => byName.get(n));
    function isFound(i, needle) {
      if (verdict.value && byName.get('verdict').value(i) !== verdict.value) return false;
      return needle === '' || columns.some((c) => (!c.isOne || shown.has(c.name)) && cellText(c.value(i)).toLowerCase().includes(needle));
    }
    function compare(a, b) {
      const x = sortBy.value(a), y = sortBy.value(b);
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      const sign = typeof x === 'number' && typeof y === 'number' ? x - y : cellText(x).localeCompare(cellText(y), 'en', {numeric: true});
      return (isDown ? -sign : sign) || a - b;
    }
    function refresh(fromStart) {
      const needle = text.value.trim().toLowerCase();
      found = [];
      for (let i = 0; i < rows.count; i++) if (isFound(i, needle)) found.push(i);
      if (sortBy) found.sort(compare);
      if (fromStart) page = 0;
      show();
    }
    function turn(by) { page += by; show(); }
    function sort(c) {
      isDown = sortBy === c ? !isDown : c.isNumber;
      sortBy = c;
      refresh(true);
    }
    function showHead() {
      head.replaceChildren(el('tr', {}, ...order().map((c) => el('th', {
        scope: 'col', class: c.isNumber ? 'n' : null,
        'aria-sort': sortBy === c ? (isDown ? 'descending' : 'ascending') : 'none',
      }, el('button', {type: 'button', title: c.help, 'data-column': c.name, onclick: () => {
        sort(c);
        head.querySelector(`[data-column="${c.name}"]`).focus();
      }}, ...breakable(c.name), el('span', {class: 'arrow', 'aria-hidden': 'true'}, sortBy === c ? (isDown ? ' ↓' : ' ↑') : ''),
      c.unit ? el('span', {class: 'unit'}, ' ' + c.unit) : null)))));
    }
    function cell(c, i) {
      const value = c.value(i);
      const kind = c.name !== 'verdict' ? '' : value === 'VALID' ? 'v-ok' : value === 'INVALID' ? 'v-bad' : value ? 'v-open' : '';
      const name = c.isNumber ? 'n' : [kind, cellText(value).length > 24 ? 'text' : ''].join(' ').trim();
      const text = c.isNumber && !c.isWhole ? figure(value) : cellText(value);
      return el('td', {class: (value === null ? name + ' muted' : name) || null}, text);
    }
    function show() {
      const first = page * PAGE, last = Math.min(found.length, first + PAGE), list = order();
      showHead();
      body.replaceChildren(...found.slice(first, last).map((i) => el('tr', {}, ...list.map((c) => cell(c, i)))));
      said.textContent = found.length === 0 ? T('no row') :
        `${first + 1}–${last} / ${found.length}` + (found.length < rows.count ? ` (${T('of all')} ${rows.count})` : '');
      earlier.disabled = page === 0;
      later.disabled = last >= found.length;
    }
    function choices() {
      return el('div', {class: 'choices'}, ...columns.filter((c) => !c.isOne).map((c) => el('label', {title: c.help},
        el('input', {type: 'checkbox', checked: shown.has(c.name), onchange: (e) => {
          if (e.target.checked) shown.add(c.name); else shown.delete(c.name);
          show();
        }}), c.name)));
    }
    function saveCsv() {
      const lines = [columns.map((c) => csvCell(c.name)).join(',')];
      for (const i of found) lines.push(columns.map((c) => csvCell(c.value(i))).join(','));
      save('rows.csv', 'text/csv', lines.join('\n') + '\n');
    }
    function saveJson() {
      save('rows.json', 'application/json', JSON.stringify(found.map((i) =>
        Object.fromEntries(columns.map((c) => [c.name, c.value(i)]))), null, 1) + '\n');
    }
    const same = columns.filter((c) => c.isOne);
    const chooser = el('details', {}, el('summary', {}, T('Columns')));
    chooser.addEventListener('toggle', () => { if (chooser.children.length === 1) chooser.append(choices()); });
    place.replaceChildren(
      el('div', {class: 'controls'},
        el('label', {}, T('Filter'), text),
        verdicts.length > 0 ? el('label', {}, T('Verdict'), verdict) : null,
        el('span', {class: 'push'},
          el('button', {type: 'button', id: 'save-csv', onclick: saveCsv}, T('Save CSV')),
          el('button', {type: 'button', id: 'save-json', onclick: saveJson}, T('Save JSON')))),
      el('div', {class: 'scroll', role: 'group', tabindex: 0, 'aria-label': T('All rows')}, table),
      el('div', {class: 'pager'}, earlier, said, later),
      chooser,
      el('details', {}, el('summary', {}, `${T('The same in all rows')} (${same.length})`),
        el('dl', {}, ...same.map((c) => el('div', {}, el('dt', {}, c.name),
          el('dd', {}, cellText(c.one !== undefined ? c.one : c.value(0)) + (c.unit ? ' ' + c.unit : '')))))));
    refresh(true);
  }

  // ---- head

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  }
  function addTools() {
    const theme = el('button', {type: 'button', id: 'theme', onclick: () => {
      document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
      name();
    }});
    const name = () => { theme.textContent = isDark() ? T('Light') : T('Dark'); };
    name();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', name);
    document.getElementById('tools').append(theme, el('button', {type: 'button', onclick: () => print()}, T('Print')));
    document.getElementById('nav').append(...[...document.querySelectorAll('h2')].map((h) => el('a', {href: '#' + h.id}, h.textContent)));
  }
  // Verdicts in the answer stand out.
  function addCalls() {
    const calls = [['better', 'better'], ['worse', 'worse'], ['same', 'same'], ['cannot tell', 'open']];
    for (const item of document.querySelectorAll('.claims li')) {
      for (const node of [...item.childNodes].filter((n) => n.nodeType === 3)) {
        const parts = node.data.split(/\b(better|worse|same|cannot[ \u00a0]tell)\b/);
        node.replaceWith(...parts.map((part, i) => {
          if (i % 2 === 0) return part;
          const call = calls.find((c) => c[0] === part.replace('\u00a0', ' '));
          return el('span', {class: 'call ' + call[1]}, T(call[0]));
        }));
      }
    }
  }

  addTools();
  addCalls();
  document.querySelectorAll('[data-chart]').forEach(addChart);
  const place = document.getElementById('rows');
  if (place && data.rows) addRows(place, data.rows);
})();
