--- What is done when a run is over: reports, because the command line asked for them, and
--- what the script wants to have told of it.
---
---     local _ <close> = after.reports(session)
---     local _ <close> = after.hooks(session, view)

local after = {}

local PATIENCE = 1 -- seconds

local formats = { "html", "junit", "markdown" }

local function make_folder(path)
  local fs = require "orch.fs"
  fs.mkdir(fs.path.dirname(path))
end

local function write(session, format, path)
  local text = require "orch.report.make"(format, session.model, session.run.folder)
  if path == "-" then return io.stdout:write(text) end
  make_folder(path) -- a job may have cleaned up
  require("orch.fs").write(path, text, { sync = false })
  io.stderr:write("orch: wrote ", path, "\n")
end

---Makes the folders of the reports: one that cannot be there is told before anything runs.
---@async
---@param options table raises kind `usage`
function after.check(options)
  for _, format in ipairs(formats) do
    local path = options[format]
    if path then
      local ok, err = pcall(make_folder, path)
      if not ok then
        require("orch.pipeline.arguments").refuse("--%s %s: %s", format, path, tostring(err))
      end
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

--- What fails in there is said, and changes nothing.
local function call(name, hook, session)
  local fn = hook[name]
  if not fn then return end
  local ok, err = pcall(fn, session)
  if not ok then require("orch.log").warn("at the " .. name .. " of the run: " .. tostring(err)) end
end

--- All at once: each may wait for somebody else.
local function finish_all(session, hooks)
  local s <close> = require("orch.core.task").open("end of the run", nil, false, nil, false)
  for _, hook in ipairs(hooks) do s:start("end of the run", call, "finish", hook, session) end
end

--- Somebody sits before a screen on which all jobs have ended.
local function explain_waiting(view)
  require("orch.core.clock").sleep(PATIENCE)
  view:print "waiting for the services that are told how the run went\n"
end

--- What they have to say stands above what the view leaves at its end: of a failed run the root
--- cause comes last.
local function sink_of(view)
  return {
    write = function(_, text) view:print(text) end,
    message = function(_, level, text)
      view:print(("%s: %s\n"):format(level, require("orch.report.text").line(text)))
    end,
  }
end

---Calls what the script has registered about its run: `begin(session)` now, `finish(session)`
---when the closer is closed, and the run has ended one way or another.
---@param session table
---@param view orch.View is closed after them
---@return table? closer
function after.hooks(session, view)
  local hooks = session.registry.hooks
  if not hooks then return nil end
  local output, sink = require "orch.output", sink_of(view)
  local _ <close> = output.with(sink)
  for _, hook in ipairs(hooks) do call("begin", hook, session) end
  return setmetatable({}, { __close = function()
    local shield <close> = require("orch.core.task").open("end of the run", nil, true, nil, false)
    local _ <close> = output.with(sink)
    local explanation = require("orch.task").spawn({ name = "patience" }, explain_waiting, view)
    finish_all(session, hooks)
    explanation:cancel()
  end })
end

return after
