--- Runs the jobs that a script has declared: plan, questions, schedule, end.
---
---     return run.execute(registry, words, settings)   -- exit code

local arguments = require "orch.pipeline.arguments"
local errors = require "orch.core.error"
local graphs = require "orch.pipeline.graph"
local project = require "orch.pipeline.project"
local runtime = require "orch.core.runtime"
local select_jobs = require "orch.pipeline.select"
local sessions = require "orch.pipeline.session"
local states = require "orch.pipeline.state"

local EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_GRAPH, EXIT_TIMEOUT, EXIT_REFUSED = 0, 1, 2, 3, 5, 7
local ALARM = "the time limit of the run is over"
local DAEMON = 1
local signals = { [1] = "SIGHUP", [2] = "SIGINT", [15] = "SIGTERM" }
local LEAST_SLOTS, BEYOND_CPUS = 4, 2

local run = {}

local function say(...)
  io.stderr:write("orch: ", ...)
  io.stderr:write("\n")
end

--- Jobs wait more than they compute, so there are some more than processors.
local function slots_of(options)
  return options.jobs or math.max(LEAST_SLOTS, runtime.cpus() + BEYOND_CPUS)
end

local exit_of = { usage = EXIT_USAGE, graph = EXIT_GRAPH, refused = EXIT_REFUSED,
  state = EXIT_FAILED, os = EXIT_FAILED, db = EXIT_FAILED }

--- What is wrong before anything runs: one message, and the exit code.
local function refuse(err)
  local code = errors.is(err) and exit_of[err.kind]
  if not code then error(err, 0) end
  if err.kind == "graph" then -- with the script's lines
    require("orch.cli.report").print(err)
    return code
  end
  say((tostring(err):gsub("^orch: ", "")))
  return code
end

local function make_files(p)
  local fs = require "orch.fs"
  fs.mkdir(p.orch .. "/runs")
  local ignore = p.orch .. "/.gitignore"
  if not fs.exists(ignore) then fs.write(ignore, "*\n", { sync = false }) end
end

--- A sentence with the way out, where `.orch` is not a folder, or not ours.
local function make_folder(p)
  local ok, err = pcall(make_files, p)
  if ok then return end
  if not errors.is(err) or err.kind ~= "os" then error(err, 0) end
  errors.throw(errors.make { kind = "state", message = err.message .. "; '.orch' is where orch "
    .. "keeps what it remembers: make it writable, move it aside, or work elsewhere with -C" })
end

--- The lock of the project, or the sentence about who holds it.
local function take_lock(p)
  local guard, holder_pid = project.try_lock(p.orch .. "/lock")
  if guard then return guard end
  local file <close> = io.open(p.orch .. "/lock")
  local ok, holder = pcall(require("orch.json").decode, file and file:read "a" or "")
  local who = holder_pid and ("process %d"):format(holder_pid) or "another process"
  if ok and type(holder) == "table" and holder.run and holder.pid == (holder_pid or holder.pid) then
    who = ("run %s of %s, since %s (process %d%s)"):format(holder.run, holder.script,
      os.date("%H:%M", holder.time), holder.pid, holder.user and " of " .. holder.user or "")
  end
  errors.throw(errors.make { kind = "refused", message = "this project is busy with " .. who
    .. "; wait for it, or run beside it with --concurrent" })
end

--- A job behind one that runs may turn out to be up to date; it is asked about all the same.
local function may_run(session, job)
  local node, freshness = job.node, require "orch.pipeline.freshness"
  if job.skipped or node.fresh then return false end
  if node.pending > 0 or job.when ~= "success" then return true end
  if session.reuse[job.name] then return freshness.again(session, node) ~= nil end
  return freshness.closer(session, node) ~= nil
end

--- Asked all at once, before anything runs: nobody sits in front of a nightly build.
local function confirm(session)
  if session.options.yes then return end
  local tty = require "orch.tty"
  for _, job in ipairs(session.chosen) do
    if job.confirm and may_run(session, job) then
      if not tty.is_terminal "stdin" then
        errors.throw(errors.make { kind = "refused", message =
          ("job '%s' (%s) asks \"%s\", and nobody is there to answer; add --yes to agree")
            :format(job.name, job.where, job.confirm) })
      elseif not tty.confirm(job.confirm) then
        errors.throw(errors.make { kind = "refused",
          message = ("job '%s' was not agreed to; nothing has run"):format(job.name) })
      end
    end
  end
end

--- What the words mean: options, jobs and their order.
local function prepare(registry, words)
  local given = arguments.parse(words, registry)
  local graph = graphs.build(registry)
  local chosen = select_jobs.choose(graph, {
    targets = given.targets, only = given.options.only, skip = given.options.skip,
    force = given.options.force,
  })
  local explain = given.options.explain
  if explain and not select_jobs.one(graph, explain, "--explain").chosen then
    chosen = select_jobs.choose(graph, { targets = { explain } }) -- not one of the default
  end
  return given, graph, chosen
end

--- With --json, standard output is for the outcome.
local MOST_NAMES = 4

local function tell_stopping(view, record)
  local more = #record.jobs - MOST_NAMES
  view:print(("stopping %s%s\n"):format(
    table.concat(record.jobs, ", ", 1, math.min(MOST_NAMES, #record.jobs)),
    more > 0 and (" and %d more"):format(more) or ""))
end

local function open_view(session)
  local ui, opts = session.options.ui, { folder = session.run.folder, script = session.script }
  if session.options.json and ui ~= "json" then
    ui, opts.stdout, opts.color = ui or "plain", io.stderr, require("orch.tty").color "stderr"
  end
  local view = require("orch.view").open(ui, session.model, opts)
  local output = require "orch.output" -- an event may come from a job's own task
  session.log:listen(function(record)
    output.aside(view.event, view, record)
    if record.event == "stopping" and runtime.interrupted() then tell_stopping(view, record) end
  end)
  if view.run then
    require("orch.core.task").spawn("orch/view", DAEMON, view.run, view)
  end
  return view
end

--- How the run ended, from what is left of it.
local function outcome(session, err)
  local signal = runtime.interrupted()
  if signal then return "interrupted", 128 + signal, signals[signal] end
  if err ~= nil and errors.is_cancelled(err) and err.reason ~= "deadlock" then
    return "interrupted", runtime.exit_code() or err.reason == ALARM and EXIT_TIMEOUT or EXIT_FAILED
  end
  if err ~= nil then return "failed", EXIT_FAILED end
  local failed = session.model.counts.failed > 0
  return failed and "failed" or "ok", failed and EXIT_FAILED or EXIT_OK
end

--- The end is written down whatever happened; what ended the run goes on its way.
local function ending(session)
  return setmetatable({}, { __close = function(_, err)
    local shield <close> = require("orch.core.task").open("end of the run", nil, true, nil, false)
    local status, code, signal = outcome(session, err)
    session.exit_code = code
    session:finish(status, code, signal)
  end })
end

local function restart_collector()
  collectgarbage "restart"
end

--- A plan is made of what stays: of a hundred thousand jobs the collector would find nothing.
local function pause_collector()
  collectgarbage "stop"
  return setmetatable({}, { __close = restart_collector })
end

local function work(session, resumed)
  local schedule = require("orch.pipeline.schedule").new(session)
  schedule:take_fresh()
  confirm(session)
  local claim <close> = not resumed and sessions.new_run(session) or nil
  sessions.begin(session, session.words, schedule:is_over(), resumed)
  if not schedule:is_over() then restart_collector() end
  local log <close> = session.log
  if not session.options.concurrent then session:sign_lock() end
  local after = require "orch.pipeline.after"
  local report <close> = after.reports(session)
  local view <close> = open_view(session)
  local hooks <close> = after.hooks(session, view)
  local finish <close> = ending(session)
  local _ <close> = require("orch.core.task").open("run", nil, false, nil, false)
  session:keep()
  schedule:run()
end

--- --dry-run and --explain: nothing is written.
local function tell_plan(session, graph)
  local plan = require "orch.pipeline.plan"
  if session.options.explain then return plan.explain(session, graph, session.options.explain) end
  return plan.print(session)
end

local function is_dry(options)
  return options.dry_run or options.explain ~= nil
end

--- A run that was broken off is read once nobody else can go on with it.
local function read_again(p, settings, dry)
  local claim = not dry and sessions.claim(p, settings.resume.id) or nil
  settings.resume = require("orch.pipeline.resume").read(
    project.run_folder(p, settings.resume.id), settings.resume)
  return claim
end

local function with_lock(p, options)
  if is_dry(options) or options.concurrent then return nil end
  return take_lock(p)
end

--- What concerns the whole process, where it was said behind the script's name.
local function apply(options)
  if options.grace then runtime.set_grace(options.grace) end
  if options.slow then runtime.set_slow(options.slow) end
  if options.trace then require("orch.core.trace").on() end
  if options.seed then
    runtime.shuffle(options.seed)
    math.randomseed(options.seed)
  end
  if options.timeout then
    runtime.alarm(options.timeout, require("orch.core.task").current(),
      "the run took longer than --timeout; it was doing this:")
  end
end

local function execute(registry, words, settings)
  local _ <close> = pause_collector()
  local given, graph, chosen = prepare(registry, words)
  apply(given.options)
  local p = project.here()
  if not is_dry(given.options) then
    require("orch.pipeline.after").check(given.options)
    make_folder(p)
  end
  local lock <close> = with_lock(p, given.options)
  local state <close> = states.open(p.orch .. "/state.db", { read_only = is_dry(given.options) })
  if state.warning then say("warning: ", state.warning) end
  if lock then require("orch.pipeline.recover").all(p, state) end
  local claim <close> = settings.resume and read_again(p, settings, is_dry(given.options)) or nil
  if settings.resume and settings.resume.model.status == "ok" then
    say("run ", settings.resume.id, " has been finished meanwhile: there is nothing left to do")
    return EXIT_OK
  end
  local session = sessions.new {
    project = p, script = project.script_name(settings.script), chosen = chosen, options = given.options,
    registry = registry, state = state, slots = slots_of(given.options),
  }
  local before = settings.before or {}
  session.words = table.move(words, 1, #words, #before + 1, before)
  if settings.resume then require("orch.pipeline.resume").adopt(session, settings.resume) end
  if is_dry(given.options) then return tell_plan(session, graph) end
  work(session, settings.resume)
  return session.exit_code
end

---Runs the declared jobs.
---@async
---@param registry orch.Registry
---@param words string[] orch's own options, and what followed the script's name
---@param settings {script: string, resume: table?, before: string[]?} `before`: for the record
---@return integer exit_code
function run.execute(registry, words, settings)
  registry.closed = true
  local ok, result = xpcall(execute, errors.handler, registry, words, settings)
  if ok then return result end
  return refuse(result)
end

return run
