-- Runs a script in the task "main" and gives the exit code.
--
--   return run({ file = "deploy.lua", seed = "42" }, { "staging" })
--
-- On the start-up path of every run: what only some runs need is loaded late.

local core = require "orch.core.task"
local park = require "orch.core.park"
local runtime = require "orch.core.runtime"
local script = require "orch.cli.script"

local DAEMON, HOLD = 1, 2
local EXIT_USAGE, EXIT_SCRIPT = 2, 3
local CODE_NAME = "(command line)"
local NOTICE_AFTER, NOTICE_EVERY = 1, 10

-- ---- before ----

local function apply(found)
  runtime.set_tree(function() return require("orch.tree").text() end)
  local settings = {}
  if found.seed or found.grace or found.slow or found.timeout or found.trace
  then
    settings = require("orch.cli.settings").apply(found)
  end
  if not settings.seed then -- random, and told when the run fails
    settings.seed = require "orch.cli.seed"()
    math.randomseed(settings.seed)
  end
  return settings
end

-- -C DIR, for everything that the run does.
local function enter(folder)
  return folder and require("orch.place").cd(folder) or nil
end

local function load_script(found)
  if found.code then
    return script.compile(found.code, CODE_NAME, "=" .. CODE_NAME)
  elseif found.file == "-" then
    return script.compile(require("orch.compat").read_all(), "stdin", "=stdin")
  end
  return script.load(found.file)
end

-- What the script requires lies beside it.
local function add_to_path(found)
  local folder = found.file and found.file:match("^(.*)/[^/]*$")
  if folder == "" then folder = "/" end
  if found.folder and not (folder and folder:sub(1, 1) == "/") then
    folder = found.folder .. (folder and "/" .. folder or "")
  end
  if not folder then return end
  package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;"
    .. package.path
end

local function prepare(found, words)
  add_to_path(found)
  words[0] = found.file or CODE_NAME
  local orch = require "orch"
  rawset(orch, "args", words)
  _G.orch = orch
  return load_script(found)
end

-- --record and --replay; opened in front of the script, which may ask at once.
local function open_tape(found)
  local asked = found.record or found.replay or found.tape_mode or found.replay_speed
    or found.tape_unused
  return asked and require("orch.cli.tape").open(found) or nil
end

-- A tape that could not be written is the failure of a run that had none.
local function close_tape(tape, found, last)
  local ok, problem = pcall(require("orch.cli.tape").close, tape, found)
  if ok or not last.ok then return end
  last.ok, last.error = false, problem
end

-- Calls a step of the preparation; nil and the exit code where it fails.
local function step(fn, ...)
  local ok, result = pcall(fn, ...)
  if ok then return result end
  local usage = type(result) == "table" and rawget(result, "kind") == "usage"
  if not usage then
    require("orch.cli.report").print(result)
    return nil, EXIT_SCRIPT
  end
  local message = tostring(result):gsub("^orch: ", "")
  require("orch.cli.ending").say(message)
  return nil, EXIT_USAGE
end

-- ---- while it runs ----

-- After the body's end: says what the run still waits for.
local function notice_waiting(body, main)
  if not body.ended then body.queue:wait() end
  local quiet = require "orch.core.quiet"
  local tree = require "orch.tree"
  local pause = NOTICE_AFTER
  while true do
    quiet.sleep(pause)
    pause = NOTICE_EVERY
    local tasks = tree.below(main)
    if #tasks > 0 then
      require("orch.cli.ending").say("waiting for ", tree.summary(tasks))
    end
  end
end

-- The jobs that the script has declared: they run when its body is over.
local function run_jobs(found, words)
  local declare = package.loaded["orch.pipeline.declare"]
  if declare then
    return require("orch.pipeline").finish_body(declare.registry, found, words)
  elseif found.pipeline then
    return require("orch.pipeline").without_jobs(found)
  end
end

-- In tracebacks the name `script_body` is the script's main chunk.
local function run_main(script_body, found, words, settings)
  local last, body = {}, { queue = park.new() }
  local main
  main = core.spawn("main", HOLD, function()
    script_body(table.unpack(words))
    last.code = run_jobs(found, words)
    if #core.children(main) == 0 then return end
    body.ended = true
    body.queue:wake()
  end)
  core.spawn("orch/notice", DAEMON, notice_waiting, body, main)
  if settings.timeout then
    runtime.alarm(settings.timeout, main,
      "the run took longer than --timeout; it was doing this:")
  end
  runtime.guard("interrupt", main)
  runtime.guard("deadlock", main)
  main:join()
  last.ok, last.error = main:result()
  return last
end

-- What the script forgot. Modules that it has not used need not be asked.
local function find_leaks()
  local leaks = runtime.leaks()
  local unclosed = package.loaded["orch.unclosed"]
  if unclosed then unclosed.take(leaks) end
  local lock = package.loaded["orch.lock"]
  for _, held in ipairs(lock and lock.held() or {}) do
    leaks[#leaks + 1] = held .. " was never released"
  end
  return leaks
end

---@async
---@param found {file?: string, code?: string, folder?: string, seed?: string, grace?: string, slow?: string, timeout?: string, trace?: boolean}
---@param words string[] the script's arguments
---@return integer exit_code
return function(found, words)
  local settings, code = step(apply, found)
  if not settings then return code end
  local chunk, folder
  folder, code = step(enter, found.folder)
  if code then return EXIT_USAGE end
  local _ <close> = folder
  local tape
  tape, code = step(open_tape, found)
  if code then return EXIT_USAGE end
  chunk, code = step(prepare, found, words)
  if not chunk then return code end
  local last = run_main(chunk, found, words, settings)
  if tape then close_tape(tape, found, last) end
  local leaks = find_leaks()
  local plain = last.ok and #leaks == 0 and not runtime.interrupted()
    and not runtime.exit_code()
  if plain then return last.code or 0 end
  return require("orch.cli.ending").tell(last, leaks, settings.seed)
end
