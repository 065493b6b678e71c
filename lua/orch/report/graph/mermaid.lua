-- A graph in the language of Mermaid, for Markdown on GitHub and GitLab.
--
--   mermaid({ order = { { name = "a" } } })    --> flowchart LR  n1["a"] ...

local subject = require "orch.report.graph.subject"
local text = require "orch.report.text"

local classes = {
  ok = "stroke:#1a7f37", failed = "stroke:#cf222e,stroke-width:3px", running = "stroke:#0969da",
  skipped = "stroke:#8c959f", cancelled = "stroke:#9a6700,stroke-dasharray:4 3",
  retrying = "stroke:#bc4c00", queued = "stroke:#6e7781",
  pending = "stroke:#afb8c1,stroke-dasharray:4 3",
}

-- Mermaid has entities of its own, #34; and the like. What HTML or Markdown would take
-- for itself is written as one, too.
local function label(value)
  return (text.plain(value):gsub('[#"&<>`%*_\\%[%]]', function(c)
    return ("#%d;"):format(c:byte())
  end):gsub("\n", "<br/>"):gsub("\t", " "))
end

local function node_line(i, node)
  local shown = label(node.group and node.label or node.name)
  if node.group then shown = shown .. "<br/>" .. text.count(#node.jobs, "job") end
  if node.state then
    local took = node.elapsed and node.state ~= "skipped" and ", " .. text.duration(node.elapsed)
    shown = shown .. "<br/>" .. label(node.state) .. (took or "")
  end
  local class = classes[node.state] and ":::" .. node.state or ""
  return ('  n%d("%s")%s'):format(i, shown, class)
end

---@param what {order: table[]}
---@param opts {limit: integer?, critical: string[]?}
---@return string
return function(what, opts)
  local picture, out, used = subject.read(what, { limit = opts.limit }), { "flowchart LR" }, {}
  local before, hot = {}, {}
  for i, name in ipairs(opts.critical or {}) do before[name] = opts.critical[i - 1] end
  for i, node in ipairs(picture.nodes) do
    out[#out + 1] = node_line(i, node)
    if node.state then used[node.state] = true end
  end
  for i, edge in ipairs(picture.edges) do
    out[#out + 1] = ("  n%d %s n%d"):format(edge[1], edge.style == "after" and "-.->" or "-->",
      edge[2])
    local from, to = picture.nodes[edge[1]].name, picture.nodes[edge[2]].name
    if before[to] == from then hot[#hot + 1] = ("%d"):format(i - 1) end
  end
  for _, state in ipairs(require("orch.report.graph.style").states) do
    if used[state] then
      out[#out + 1] = ("  classDef %s %s"):format(state, classes[state])
    end
  end
  if #hot > 0 then
    out[#out + 1] = ("  linkStyle %s stroke:#bc4c00,stroke-width:3px"):format(
      table.concat(hot, ","))
  end
  return table.concat(out, "\n") .. "\n"
end
