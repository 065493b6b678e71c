--- What is written when a run is over, because the command line asked for it: reports.
---
---     local _ <close> = after.reports(session)

local after = {}

local formats = { "html", "junit", "markdown" }

local function write(session, format, path)
  local text = require "orch.report.make"(format, session.model, session.run.folder)
  if path == "-" then return io.stdout:write(text) end
  require("orch.fs").write(path, text, { sync = false })
  io.stderr:write("orch: wrote ", path, "\n")
end

---Tells before anything runs that a report could not be written.
---@async
---@param options table
function after.check(options)
  local path = require "orch.fs.path"
  for _, format in ipairs(formats) do
    local folder = options[format] and path.dirname(options[format])
    if folder and not require("orch.fs").exists(folder) then
      require("orch.pipeline.arguments").refuse(
        "--%s %s: there is no folder '%s'; make it first", format, options[format], folder)
    end
  end
end

---@param session table
---@return table closer writes the reports when it is closed, also after a failure
function after.reports(session)
  return setmetatable({}, { __close = function()
    local shield <close> = require("orch.core.task").open("reports", nil, true, nil, false)
    for _, format in ipairs(formats) do
      local path = session.options[format]
      if path then write(session, format, path) end
    end
    if session.options.json and session.options.ui ~= "json" then
      io.stdout:write((require "orch.report.make"("json", session.model, session.run.folder)))
    end
  end })
end

return after
