-- The look of the drawing: CSS that follows the reader's light or dark screen, and the
-- signs of states. A page may set --og-... itself, or data-theme on an element above.
--
--   style.css("orch")     --> the text of the <style> element

local style = {}

local light = {
  back = "#ffffff", box = "#ffffff", line = "#c9d1d9", text = "#1f2328", dim = "#59636e",
  edge = "#98a2ad", hot = "#bc4c00", ok = "#1a7f37", failed = "#cf222e", running = "#0969da",
  skipped = "#8c959f", cancelled = "#9a6700", retrying = "#bc4c00", queued = "#6e7781",
  pending = "#afb8c1", sign = "#ffffff",
}
local dark = {
  back = "#0d1117", box = "#161b22", line = "#3d444d", text = "#e6edf3", dim = "#9198a1",
  edge = "#6b747e", hot = "#f0883e", ok = "#3fb950", failed = "#f85149", running = "#4493f8",
  skipped = "#6e7681", cancelled = "#d29922", retrying = "#f0883e", queued = "#8b949e",
  pending = "#484f58", sign = "#0d1117",
}

local function variables(colours)
  local names, list = {}, {}
  for name in pairs(colours) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do list[i] = ("--og-%s:%s"):format(name, colours[name]) end
  return table.concat(list, ";")
end

style.states = {
  "ok", "failed", "running", "skipped", "cancelled", "retrying", "queued", "pending",
}

local rules = [[
.og{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.og .back{fill:var(--og-back)}
.og .box{fill:var(--og-box);stroke:var(--og-line);stroke-width:1.2}
.og .under{fill:var(--og-box);stroke:var(--og-line);stroke-width:1}
.og .name{fill:var(--og-text);font-weight:500}
.og .note{fill:var(--og-dim);font-size:11px}
.og .edge{fill:none;stroke:var(--og-edge);stroke-width:1.4}
.og .after{stroke-dasharray:5 4}
.og .tip{fill:var(--og-edge)}
.og .hot-tip{fill:var(--og-hot)}
.og .edge.hot{stroke:var(--og-hot);stroke-width:2.4}
.og .hot .box{stroke:var(--og-hot);stroke-width:2.2}
.og .sign{fill:none;stroke:var(--og-sign);stroke-width:1.7}
.og .sign{stroke-linecap:round;stroke-linejoin:round}
.og .job:hover .box,.og .job:focus .box{stroke:var(--og-running);stroke-width:2;outline:none}
.og .failed .note{fill:var(--og-failed)}
.og .cancelled .name,.og .skipped .name,.og .pending .name{fill:var(--og-dim)}
.og .pending .box,.og .cancelled .box{stroke-dasharray:3 3}
]]

---@return string css
function style.css()
  local out = {
    (".og{%s}\n"):format(variables(light)),
    ("@media(prefers-color-scheme:dark){.og{%s}}\n"):format(variables(dark)),
    ('[data-theme="light"] .og{%s}\n[data-theme="dark"] .og{%s}\n'):format(variables(light),
      variables(dark)),
    rules,
  }
  for _, state in ipairs(style.states) do
    out[#out + 1] = (".og .c-%s{fill:var(--og-%s)}\n"):format(state, state)
  end
  return table.concat(out)
end

-- Signs as well as colours: some people do not tell red from green.
local signs = {
  ok = "M-3 .2L-1 2.3 3.1-2.1", failed = "M-2.3-2.3L2.3 2.3M2.3-2.3L-2.3 2.3",
  running = "M-1.6-2.6L2.6 0-1.6 2.6z", skipped = "M-2.6-2.3L0 0-2.6 2.3M.6-2.3L3.2 0 .6 2.3",
  cancelled = "M-2.8 0H2.8", retrying = "M2.6-1.6A3 3 0 1 0 3 .8M2.8-3.4V-1.4H.8",
  queued = "M0-2.8V0L2 1.4", pending = "",
}

---A round sign with its middle at x, y.
---@param state string
---@param x number
---@param y number
---@return string svg
function style.sign(state, x, y)
  local path = signs[state]
  if not path then return "" end
  return ('<g transform="translate(%.6g %.6g)"><circle r="6.5" class="c-%s"/>'
    .. '<path class="sign" d="%s"/></g>'):format(x, y, state, path)
end

return style
