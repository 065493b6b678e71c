-- A graph in the language of Graphviz.
--
--   dot({ order = { { name = "a" } } })    --> digraph orch { ... "a" [label="a"]; ... }

local subject = require "orch.report.graph.subject"
local text = require "orch.report.text"

local colours = {
  ok = "#1a7f37", failed = "#cf222e", running = "#0969da", skipped = "#8c959f",
  cancelled = "#9a6700", retrying = "#bc4c00", queued = "#6e7781", pending = "#afb8c1",
}

-- In a quoted string of Graphviz only the quote is special, but labels know \n, \l, \N
-- and the like: so a backslash is doubled, which also keeps different names apart.
local function quote(value)
  value = text.plain(value):gsub("\\", "\\\\"):gsub('"', '\\"')
  return '"' .. value:gsub("\n", "\\n"):gsub("\t", " ") .. '"'
end

local function node_line(node, hot)
  local id, label = quote(node.name), text.plain(node.name)
  if node.state then
    local took = node.elapsed and node.state ~= "skipped" and ", " .. text.duration(node.elapsed)
    label = label .. "\n" .. node.state .. (took or "")
  end
  local list = { "label=" .. quote(label) }
  if node.state then list[#list + 1] = ('color="%s"'):format(colours[node.state] or "#000000") end
  if hot then list[#list + 1] = "penwidth=3" end
  if node.desc then list[#list + 1] = "tooltip=" .. quote(node.desc) end
  return ("  %s [%s];"):format(id, table.concat(list, ", "))
end

---@param what {order: table[]}
---@param opts {critical: string[]?}
---@return string
return function(what, opts)
  local picture = subject.read(what, { limit = math.maxinteger })
  local hot, before = {}, {}
  for i, name in ipairs(opts.critical or {}) do
    hot[name], before[name] = true, opts.critical[i - 1]
  end
  local out = {
    "digraph orch {", "  rankdir=LR;",
    '  node [shape=box, style=rounded, fontname="monospace", fontsize=11];',
    '  edge [color="#808890"];',
  }
  for _, node in ipairs(picture.nodes) do out[#out + 1] = node_line(node, hot[node.name]) end
  for _, edge in ipairs(picture.edges) do
    local from, to = picture.nodes[edge[1]].name, picture.nodes[edge[2]].name
    local list = {}
    if edge.style == "after" then list[1] = "style=dashed" end
    if before[to] == from then list[#list + 1] = "penwidth=3" end
    out[#out + 1] = ("  %s -> %s%s;"):format(quote(from), quote(to),
      #list > 0 and " [" .. table.concat(list, ", ") .. "]" or "")
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end
