--- A report of a run in one of its formats.
---
---     local text = make("junit", run_model, run.folder)

--- The page shows the drawing of the graph, with the path that decided when the run ended.
local function drawing(model)
  local names = {}
  for i, link in ipairs(require("orch.report.critical_path").of(model).links) do
    names[i] = link.job.name
  end
  return require("orch.report.graph").svg(model, { embed = true, id = "og", critical = names })
end

---@async
---@param format "html"|"junit"|"trace"|"markdown"|"json"
---@param model orch.RunModel
---@param folder string of the run, for its logs
---@return string text
return function(format, model, folder)
  local opts = { folder = folder }
  if format == "html" then opts.graph_svg = drawing(model) end
  return require("orch.report." .. format)(model, opts)
end
