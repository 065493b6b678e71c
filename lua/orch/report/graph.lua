--- The graph of a run's jobs, or of a script's: a drawing of orch's own, or text for
--- Graphviz and Mermaid.
---
---     fs.write("jobs.svg", graph.svg(model.load(run.events)))
---     print(graph.dot { order = { { name = "a" }, { name = "b", needs = { "a" } } } })
---
--- A subject is a run's model or { order = jobs }, where a job is a table {name, needs,
--- after, state?, elapsed?, desc?, where?}.

local graph = {}

---A layered drawing from left to right: needs as lines, `after` dashed. Jobs above
---`limit` (150) are put together by what stands before the colon of their names.
---@param subject {order: table[]}
---@param opts {id: string?, embed: boolean?, critical: string[]?, limit: integer?, title: string?}?
---  `id` begins every id in it (default "orch"); `embed`: for a page, without the XML
---  declaration and a background; `critical`: jobs in order, whose way is marked
---@return string svg
function graph.svg(subject, opts)
  return require("orch.report.graph.svg")(subject, opts or {})
end

---For Graphviz: every job, whatever their number.
---@param subject {order: table[]}
---@param opts {critical: string[]?}?
---@return string
function graph.dot(subject, opts)
  return require("orch.report.graph.dot")(subject, opts or {})
end

---For Mermaid, which GitHub and GitLab draw in Markdown; many jobs are put together.
---@param subject {order: table[]}
---@param opts {limit: integer?, critical: string[]?}?
---@return string
function graph.mermaid(subject, opts)
  return require("orch.report.graph.mermaid")(subject, opts or {})
end

---An indented tree for the terminal: the last jobs first, what they need below them.
---@param subject {order: table[]}
---@param opts {critical: string[]?, columns: integer?, style: (fun(text: string, style: string): string)?}?
---  `columns` to cut to; `style` paints
---@return string
function graph.tree(subject, opts)
  return require("orch.report.graph.tree")(subject, opts or {})
end

return graph
