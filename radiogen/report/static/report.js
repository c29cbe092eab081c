(function () {
  "use strict";
  var shared = JSON.parse(document.getElementById("radiogen-shared").textContent);
  var darkQuery = window.matchMedia("(prefers-color-scheme: dark)");
  var touch = window.matchMedia("(pointer: coarse)").matches;
  var PRINT_WIDTH = 660;
  var plots = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  var printing = false;

  function recolour(value) {
    if (typeof value === "string") {
      return Object.prototype.hasOwnProperty.call(shared.dark, value) ? shared.dark[value] : value;
    }
    if (Array.isArray(value)) { return value.map(recolour); }
    if (value !== null && typeof value === "object") {
      var out = {};
      Object.keys(value).forEach(function (key) { out[key] = recolour(value[key]); });
      return out;
    }
    return value;
  }

  function spec(el, dark) {
    var made = JSON.parse(document.getElementById(el.id + "-data").textContent);
    made.layout.template = JSON.parse(JSON.stringify(shared.template));
    return dark ? recolour(made) : made;
  }

  function minWidth(el) { return Number(el.dataset.minWidth) || 0; }

  function maxWidth(el) { return Number(el.dataset.maxWidth) || Infinity; }

  function width(el) { return Math.max(minWidth(el), Math.min(maxWidth(el), el.parentElement.clientWidth)); }

  function draw(el) {
    var made = spec(el, darkQuery.matches && !printing);
    made.layout.width = printing ? Math.min(Math.max(PRINT_WIDTH, minWidth(el)), maxWidth(el)) : width(el);
    // a figure that needs more than the paper's width is drawn as wide as it needs, and made smaller as a whole
    el.style.zoom = printing && made.layout.width > PRINT_WIDTH ? String(PRINT_WIDTH / made.layout.width) : "";
    made.layout.autosize = false;
    if (made.layout.width < 560 && made.layout.annotations) {
      made.layout.annotations = made.layout.annotations.filter(function (note) { return note.name !== "wide-only"; });
    }
    if (touch) { made.layout.dragmode = false; }
    el.dataset.width = String(made.layout.width);
    el.dataset.drawn = "yes";
    // drawn afresh: a legend that is only updated keeps the place it had at the old width
    if (el.classList.contains("js-plotly-plot")) { window.Plotly.purge(el); }
    window.Plotly.newPlot(el, made.data, made.layout, {
      displaylogo: false,
      // on a narrow screen it would lie over the legend; the buttons below the figure save it
      displayModeBar: made.layout.width < 560 ? false : "hover",
      // named one by one: the bundle's own choice has a button that uploads the figure to a server
      modeBarButtons: [el.dataset.still === "yes" ? ["toImage"] : ["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      plotlyServerURL: "",
      toImageButtonOptions: { format: "svg", filename: el.dataset.filename }
    });
  }

  function drawn(el) { return el.dataset.drawn === "yes"; }

  // the room of a figure is kept from the start, so that nothing jumps while it is drawn
  plots.forEach(function (el) {
    el.style.minHeight = el.dataset.height + "px";
    if (minWidth(el)) { el.style.minWidth = minWidth(el) + "px"; }
  });

  if ("IntersectionObserver" in window) {
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting && !drawn(entry.target)) {
          seen.unobserve(entry.target);
          draw(entry.target);
        }
      });
    }, { rootMargin: "700px 0px" });
    plots.forEach(function (el) { seen.observe(el); });
  } else {
    plots.forEach(draw);
  }

  var waiting = 0;
  window.addEventListener("resize", function () {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(function () {
      if (printing) { return; }
      plots.filter(drawn).forEach(function (el) {
        if (Number(el.dataset.width) !== width(el)) { draw(el); }
      });
    }, 120);
  });
  darkQuery.addEventListener("change", function () { plots.filter(drawn).forEach(draw); });

  // on paper: every figure, in the colours of paper, and every fold open
  var opened = [];
  window.addEventListener("beforeprint", function () {
    printing = true;
    opened = Array.prototype.filter.call(document.querySelectorAll("details"), function (d) { return !d.open; });
    opened.forEach(function (d) { d.open = true; });
    plots.forEach(function (el) { el.style.minWidth = "0"; draw(el); });
  });
  window.addEventListener("afterprint", function () {
    printing = false;
    opened.forEach(function (d) { d.open = false; });
    plots.forEach(function (el) {
      if (minWidth(el)) { el.style.minWidth = minWidth(el) + "px"; }
      draw(el);
    });
  });

  function quoted(cell) {
    var text = cell === null || cell === undefined ? "" : String(cell);
    return /[",\r\n]/.test(text) || text !== text.trim() ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function repeated(runs) {
    var out = [];
    for (var i = 0; i < runs.length; i += 2) {
      for (var k = 0; k < runs[i + 1]; k += 1) { out.push(runs[i]); }
    }
    return out;
  }

  function csv(table) {
    var columns = table.columns.map(function (column) {
      if (!column.l) { return column.v || repeated(column.vr); }
      return (column.c || repeated(column.cr)).map(function (code) { return code < 0 ? null : column.l[code]; });
    });
    var lines = [table.names.map(quoted).join(",")];
    for (var row = 0; row < table.rows; row += 1) {
      lines.push(columns.map(function (column) { return quoted(column[row]); }).join(","));
    }
    return lines.join("\r\n") + "\r\n";
  }

  function save(content, type, filename) {
    var url = URL.createObjectURL(new Blob([content], { type: type }));
    var link = document.createElement("a");
    link.href = url;
    link.download = filename;
    document.body.appendChild(link);
    link.click();
    link.remove();
    window.setTimeout(function () { URL.revokeObjectURL(url); }, 1000);
  }

  function saveImage(el, format) {
    var made = spec(el, false);
    made.layout.width = Math.max(minWidth(el), Math.min(maxWidth(el), 720));
    window.Plotly.downloadImage(made, {
      format: format, filename: el.dataset.filename, width: made.layout.width, height: Number(el.dataset.height),
      scale: format === "png" ? 3 : 1
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-csv], button[data-image]");
    if (!button) { return; }
    if (button.dataset.csv) {
      var table = JSON.parse(document.getElementById(button.dataset.csv).textContent);
      // the byte order mark tells spreadsheets that this is UTF-8
      save("\ufeff" + csv(table), "text/csv;charset=utf-8", button.dataset.filename);
    } else {
      saveImage(document.getElementById(button.dataset.image), button.dataset.format);
    }
  });

  // a link into a closed fold opens it
  function reveal() {
    var target = window.location.hash.length > 1 ? document.getElementById(window.location.hash.slice(1)) : null;
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  // contents: open beside the text, closed above it on a narrow screen
  var contents = document.querySelector("nav details");
  var wide = window.matchMedia("(min-width: 68rem)");
  function settle() { contents.open = wide.matches; }
  wide.addEventListener("change", settle);
  settle();
}());
