// Small upgrades over plain HTML: keys, copy buttons, confirm dialogs, list choices, one submit a
// click. Every page works without this file; nothing here decides what is allowed.
"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const say = (text) => { const box = $("#said"); if (box) box.textContent = text; };
  root.classList.add("scripted");

  // --- Keys: single letters, off while typing and for who switched them off (WCAG 2.1.4) ------
  const PLACES = {
    t: "today", q: "returns", o: "orders", b: "buyers", f: "refunds",
    d: "documents", s: "settlement", i: "imports", y: "activity",
    e: "exceptions", l: "ledger", p: "periods",
  };
  let going = 0;

  const typing = (node) => node.closest?.("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]");
  const rowOf = (node) => node?.closest?.("[data-row]");

  function move(step) {
    const rows = $$("[data-row]");
    if (!rows.length) return;
    const at = rows.indexOf(rowOf(document.activeElement));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
    (next.querySelector("th a") || next.querySelector("a, input"))?.focus();
  }

  function choose() {
    rowOf(document.activeElement)?.querySelector("[name=ids]")?.click();
  }

  function go(key) {
    const place = PLACES[key];
    const link = place && $(`.nav [data-go="${place}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  const KEYS = {
    j: () => move(1), k: () => move(-1), x: choose,
    "/": () => ($("#f-q") || $("#search"))?.focus(),
    "?": () => open("help"),
    a: () => $("[data-next]")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (document.body.dataset.keyboard === "off") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || $("dialog[open]")) return;
    const key = event.key;
    if (Date.now() - going < 1500) {
      going = 0;
      if (go(key)) { event.preventDefault(); return; }
    }
    if (key === "g") { going = Date.now(); return; }
    const own = /^[a-z]$/.test(key) && $(`[data-key="${key}"]`);
    const act = own ? () => own.click() : KEYS[key];
    if (act) { event.preventDefault(); act(); }
  });

  // --- Dialogs --------------------------------------------------------------------------------
  function open(id) {
    $$("[popover]:popover-open").forEach((one) => one.hidePopover());
    document.getElementById(id)?.showModal();
  }

  let confirmed = null;
  function ask(button) {
    const dialog = $("#confirm");
    const count = $$("[name=ids]:checked").length;
    $("[data-slot=sentence]", dialog).textContent = button.dataset.confirm.replace("{n}", count);
    $("[data-slot=yes]", dialog).textContent = button.textContent.trim();
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") { button.focus(); return; }
      confirmed = button;
      button.form.requestSubmit(button);
    };
    dialog.showModal();
  }

  // --- Clicks ---------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const node = event.target.closest("[data-copy], [data-dialog], [data-confirm], [aria-disabled=true]");
    $$("details.filter-more[open]").forEach((one) => { if (!one.contains(event.target)) one.open = false; });
    if (!node) return;
    if (node.getAttribute("aria-disabled") === "true") event.preventDefault();
    else if (node.dataset.dialog) open(node.dataset.dialog);
    else if (node.dataset.copy) copy(node);
    else if (node.dataset.confirm && node !== confirmed) { event.preventDefault(); if (node.form.reportValidity()) ask(node); }
  });

  async function copy(button) {
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch { return; }
    button.dataset.done = "";
    say(`${$("#said").dataset.copied}: ${button.dataset.copy}`);
    setTimeout(() => delete button.dataset.done, 1500);
  }

  // --- One submit a click: a second one while the first is under way does nothing -------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    confirmed = null;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.busy) { event.preventDefault(); return; }
    form.dataset.busy = "1";
    setTimeout(() => delete form.dataset.busy, 5000);
  });
  window.addEventListener("pageshow", () => $$("[data-busy]").forEach((form) => delete form.dataset.busy));

  // --- Lists: choosing rows, tidy addresses, the bar in step with the address -----------------
  let last = null;
  document.addEventListener("click", (event) => {
    if (event.target.name !== "ids") return;
    const boxes = $$("[name=ids]");
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((box) => { box.checked = event.target.checked; });
    }
    last = event.target;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) {
      $$("[name=ids]").forEach((box) => { box.checked = event.target.checked; });
    } else if (event.target.name !== "ids") return;
    const count = $$("[name=ids]:checked").length;
    $$("[data-chosen]").forEach((box) => { box.textContent = count; });
    say(`${count} ${$("#said").dataset.chosenWord}`);
    const all = $("[data-pick-all]");
    if (all) { all.checked = count > 0 && count === $$("[name=ids]").length; all.indeterminate = count > 0 && !all.checked; }
  });

  function tidy(form, entries) {
    const keep = (form.dataset.tidy || "").split(" ");
    return [...entries].filter(([name, value]) => value !== "" || keep.includes(name));
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.detail.elt.closest?.("form[data-tidy]");
    if (!form) return;
    const kept = tidy(form, new FormData(form).entries());
    for (const name of [...event.detail.formData.keys()]) event.detail.formData.delete(name);
    kept.forEach(([name, value]) => event.detail.formData.append(name, value));
  });

  // A session that ended answers with the log-in page: go there instead of swapping it in.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const asked = new URL(requestConfig.path, location.href);
    const got = new URL(xhr.responseURL || asked, location.href);
    if (got.pathname !== asked.pathname) { event.detail.shouldSwap = false; location.assign(got); }
  });

  document.addEventListener("htmx:afterSettle", () => {
    const form = $("form[data-tidy]");
    if (!form) return;
    const asked = new URLSearchParams(location.search);
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden" || field === document.activeElement) continue;
      if (field.type === "checkbox") field.checked = asked.getAll(field.name).includes(field.value);
      else if (asked.has(field.name) || !(form.dataset.tidy || "").split(" ").includes(field.name)) field.value = asked.get(field.name) ?? "";
      if (field.matches("select")) field.toggleAttribute("data-on", field.value !== "");
    }
  });

  $("[data-focus]")?.focus();
})();
