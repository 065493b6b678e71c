-- `orch test`: finds the test files, runs them, says how it went.

local core = require "orch.core.task"
local runtime = require "orch.core.runtime"
local help = require "orch.cli.help"
local report = require "orch.cli.report"
local settings = require "orch.cli.settings"

local HOLD = 2
local EXIT_FAILED, EXIT_USAGE, EXIT_MISSING = 1, 2, 3
local CASE_LIMIT = 60

-- argparse's sentence in our form: lower case, the suggestion on one line.
local function say_wrong(message)
  message = message:gsub("\n.*[Dd]id you mean (.-)%?", "; did you mean %1?")
  message = message:gsub("^[Uu]nknown option", "orch test has no option")
  return help.fail(message:gsub("^%u", string.lower), nil, nil, "test")
end

local function parse(words)
  for _, word in ipairs(words) do
    if word == "--" then break end
    if word == "-h" or word == "--help" then
      io.stdout:write(help.text("test"))
      return nil, 0
    end
  end
  local ok, found = help.parser("test"):pparse(words)
  if not ok then return nil, say_wrong(found) end
  return found
end

-- Options that stand before "test" hold as well.
local function settle(found, outer)
  local typed = {
    seed = found.seed or outer.seed, grace = outer.grace, slow = outer.slow,
    timeout = found.timeout or outer.timeout, trace = outer.trace,
  }
  local applied = settings.apply(typed)
  local opts = {
    seeded = applied.seed ~= nil,
    seed = applied.seed or require "orch.cli.seed"(),
    timeout = applied.timeout or CASE_LIMIT,
    filter = found.filter, junit = found.junit, list = found.list,
    verbose = found.verbose, paths = found.path,
  }
  math.randomseed(opts.seed)
  return opts
end

local function console_for(opts)
  return require("orch.test.console").new {
    verbose = opts.verbose,
    color = report.color("stdout"),
    seed = opts.seed,
    seeded = opts.seeded,
  }
end

-- What runs in the task "test", which Ctrl-C cancels.
local function body(opts, total)
  local runner = require "orch.test.runner"
  local paths = require("orch.test.discover").files(opts.paths)
  local out = console_for(opts)
  if opts.list then return runner.list(paths, opts, out) end
  runner.run(paths, opts, out, total)
  return true
end

local function no_match(opts)
  return help.fail("no case matches --filter '" .. opts.filter
    .. "'; see orch test --list", nil, nil, "test")
end

local function finish(opts, total)
  local cases = total.passed + total.failed + total.skipped
  if opts.filter and cases == 0 then return no_match(opts) end
  if opts.junit then require("orch.test.junit").write(opts.junit, total.files) end
  console_for(opts):close(total.files, total)
  return total.failed > 0 and EXIT_FAILED or 0
end

local function failed(err)
  report.print(err, "test")
  local missing = type(err) == "table" and err.kind == "script"
  return missing and EXIT_MISSING or EXIT_FAILED
end

local function run(opts)
  local total = { files = {}, passed = 0, failed = 0, skipped = 0 }
  local main = core.spawn("test", HOLD, body, opts, total)
  runtime.guard("interrupt", main)
  runtime.guard("deadlock", main)
  main:join()
  local ok, result = main:result()
  local signal = runtime.interrupted()
  if signal then
    console_for(opts):close(total.files, total)
    io.stderr:write("orch: interrupted", total.current and " in "
      .. total.current or "", "\n")
    return 128 + signal
  elseif not ok then
    return failed(result)
  elseif opts.list then
    return result and 0 or EXIT_FAILED
  end
  return finish(opts, total)
end

-- In a test os.exit would end everything; there it is an error of the case.
local function refuse_exit(code)
  require("orch.arg").fail("os.exit(%s) was called in a test and would end the whole run; "
    .. "run such a script with test.run and look at its exit_code", tostring(code))
end

local function enter(folder)
  return folder and require("orch.place").cd(folder) or nil
end

---@async
---@param words string[] what follows "test"
---@param outer table options that stood before it
---@return integer exit_code
return function(words, outer)
  local found, code = parse(words)
  if not found then return code end
  local ok, opts = pcall(settle, found, outer)
  if not ok then
    local message = tostring(opts):gsub("^orch: ", "")
    return help.fail(message, nil, nil, "test")
  end
  os.exit = refuse_exit
  local entered, folder = pcall(enter, outer.folder)
  if not entered then
    report.print(folder)
    return EXIT_USAGE
  end
  local _ <close> = folder
  _G.orch = require "orch"
  runtime.set_tree(function() return require("orch.tree").text() end)
  local done, result = pcall(run, opts)
  if done then return result end
  return failed(result)
end
