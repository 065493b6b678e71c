-- Runs a script: the settings, the task "main", and what is said at its end.
--
--   return run({ file = "deploy.lua", seed = "42" }, { "staging" })

local core = require "orch.core.task"
local park = require "orch.core.park"
local runtime = require "orch.core.runtime"
local script = require "orch.cli.script"

local DAEMON, HOLD = 1, 2
local EXIT_FAILED, EXIT_USAGE, EXIT_SCRIPT, EXIT_TIMEOUT = 1, 2, 3, 5
local CODE_NAME = "(command line)"
local NOTICE_AFTER, NOTICE_EVERY = 1, 10

local function say(...)
  io.stderr:write("orch: ", ...)
  io.stderr:write("\n")
end

-- ---- settings ----

local function duration(found, key)
  if found[key] == nil then return nil end
  return require("orch.arg").duration("orch", "--" .. key, found[key])
end

local function integer(found, key)
  local n = math.tointeger(tonumber(found[key]))
  if n or found[key] == nil then return n end
  require("orch.error") {
    kind = "usage",
    message = "orch: --" .. key .. " should be a whole number, not '"
      .. found[key] .. "'",
  }
end

-- A run without --seed gets a random one, which the report tells.
local function apply_seed(found)
  local seed = integer(found, "seed")
  if seed then
    runtime.shuffle(seed)
  else
    seed = math.random(1, 0x7fffffff)
  end
  math.randomseed(seed)
  return seed
end

local function apply(found)
  local grace, slow = duration(found, "grace"), duration(found, "slow")
  if grace then runtime.set_grace(grace) end
  if slow then runtime.set_slow(slow) end
  runtime.set_tree(function() return require("orch.tree").text() end)
  if found.trace then require("orch.core.trace").on() end
  return { seed = apply_seed(found), timeout = duration(found, "timeout") }
end

-- ---- the script ----

local function load_script(found)
  if found.code then
    return script.compile(found.code, CODE_NAME, "=" .. CODE_NAME)
  elseif found.file == "-" then
    return script.compile(io.stdin:read("a"), "stdin", "=stdin")
  end
  return script.load(found.file)
end

-- What the script requires lies beside it.
local function add_to_path(found)
  local folder = found.file and found.file:match("^(.*)/[^/]*$")
  if found.folder then
    local absolute = folder and folder:sub(1, 1) == "/"
    folder = absolute and folder
      or found.folder .. (folder and "/" .. folder or "")
  end
  if not folder then return end
  if folder == "" then folder = "/" end
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

-- ---- while it runs ----

-- After the body's end: says what the run still waits for.
local function notice_waiting(body, main)
  if not body.ended then body.queue:wait() end
  local quiet = require "orch.core.quiet"
  local tree = require "orch.tree"
  quiet.sleep(NOTICE_AFTER)
  while true do
    local tasks = tree.below(main)
    if #tasks > 0 then say("waiting for ", tree.summary(tasks)) end
    quiet.sleep(NOTICE_EVERY)
  end
end

-- Ends the run in time; keeps the picture of what it was doing.
local function limit(seconds, main, ending)
  require("orch.core.quiet").sleep(seconds)
  ending.tree = require("orch.tree").text()
  main:cancel("the time limit of the run is over")
end

-- In tracebacks the name `script_body` is the script's main chunk.
local function run_main(script_body, words, settings)
  local ending, body = {}, { queue = park.new() }
  local main
  main = core.spawn("main", HOLD, function()
    script_body(table.unpack(words))
    if #core.children(main) == 0 then return end
    body.ended = true
    body.queue:wake()
  end)
  core.spawn("orch/notice", DAEMON, notice_waiting, body, main)
  if settings.timeout then
    core.spawn("orch/limit", DAEMON, limit, settings.timeout, main, ending)
  end
  runtime.guard("interrupt", main)
  runtime.guard("deadlock", main)
  main:join()
  ending.ok, ending.error = main:result()
  return ending
end

-- ---- the end ----

local function print_leaks()
  for _, sentence in ipairs(runtime.leaks()) do say("warning: ", sentence) end
end

local function is_kind(err, kind)
  return type(err) == "table" and rawget(err, "kind") == kind
end

local function failed(err, settings)
  require("orch.cli.report").print(err)
  say("seed ", settings.seed, "; re-run with --seed ", settings.seed)
  return EXIT_FAILED
end

local function ended(ending, settings)
  local signal = runtime.interrupted()
  if signal then
    if not ending.ok and not is_kind(ending.error, "cancelled") then
      require("orch.cli.report").print(ending.error)
    end
    say(signal == 2 and "interrupted" or "ended by signal " .. signal)
    return 128 + signal
  elseif ending.tree and not ending.ok then
    if not is_kind(ending.error, "cancelled") then
      require("orch.cli.report").print(ending.error)
    end
    say("the run took longer than --timeout; it was doing this:\n",
      ending.tree)
    return EXIT_TIMEOUT
  elseif runtime.exit_code() then
    return runtime.exit_code()
  elseif ending.ok then
    return 0
  end
  return failed(ending.error, settings)
end

-- -C DIR, for everything that the run does.
local function enter(folder)
  return folder and require("orch.place").cd(folder) or nil
end

-- Calls a step of the preparation; nil and the exit code where it fails.
local function step(fn, ...)
  local result = table.pack(pcall(fn, ...))
  if result[1] then return result[2] end
  local err = result[2]
  if is_kind(err, "usage") then
    say((tostring(err):gsub("^orch: ", "")))
    return nil, EXIT_USAGE
  end
  require("orch.cli.report").print(err)
  return nil, EXIT_SCRIPT
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
  chunk, code = step(prepare, found, words)
  if not chunk then return code end
  local ending = run_main(chunk, words, settings)
  print_leaks()
  return ended(ending, settings)
end
