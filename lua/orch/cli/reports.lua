-- `orch report`: writes reports of a run, several at once.

local arg = require "orch.arg"
local command = require "orch.cli.command"
local project = require "orch.pipeline.project"

local FORMATS = { "html", "junit", "trace", "markdown", "json" }
local DEFAULT = "orch-report.html"

local function say(...)
  io.stderr:write("orch: ", ...)
  io.stderr:write("\n")
end

-- {format, file}; two may not go to the same place.
local function wanted(found)
  local list, taken = {}, {}
  for _, format in ipairs(FORMATS) do
    local file = found[format]
    if file and taken[file] then
      arg.fail("--%s and --%s cannot both go to %s", taken[file], format,
        file == "-" and "standard output" or "'" .. file .. "'")
    elseif file then
      taken[file] = format
      list[#list + 1] = { format = format, file = file }
    end
  end
  if #list == 0 then list[1] = { format = "html", file = DEFAULT } end
  return list
end

local function load(run)
  local fs = require "orch.fs"
  if not fs.exists(run.events) then
    arg.fail("run %s has no event log: %s is missing", run.id, project.shown(run.events))
  end
  local model = require("orch.pipeline.history").load(run)
  if model.skipped_lines > 0 then
    say(("warning: %d %s of %s could not be read and %s missing from the report"):format(
      model.skipped_lines, model.skipped_lines == 1 and "line" or "lines",
      project.shown(run.events), model.skipped_lines == 1 and "is" or "are"))
  end
  return model
end

local function write(one, text)
  if one.file == "-" then
    io.stdout:write(text)
    return
  end
  require("orch.fs").write(one.file, text)
  say("wrote ", one.file)
end

---@async
---@param words string[] what follows "report"
---@param outer {folder: string?} options that stood before it
---@return integer exit_code
return command.new("report", { "run" }, function(asked, p)
  local list = wanted(asked)
  local run = project.run(p, asked.run)
  local model = load(run)
  for _, one in ipairs(list) do
    write(one, require "orch.report.make"(one.format, model, run.folder))
  end
end)
