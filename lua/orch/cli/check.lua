-- `orch check [PATH...]`: the words of it, and which of its parts they mean.
--
--   return check({ "Assets", "--rule", "texture.*" }, {})

local arg = require "orch.arg"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local flags = require "orch.cli.flags"
local help = require "orch.cli.help"
local runtime = require "orch.core.runtime"

local HOLD = 2
local EXIT_FAILED, EXIT_USAGE, EXIT_RULES, EXIT_TIMEOUT, EXIT_REFUSED = 1, 2, 3, 5, 7
local EXIT_READER_GONE = 141
local SIGINT = 2

local severities = { error = true, warning = true, info = true, never = true }

-- Of two that exclude each other, why.
local apart = {
  { "fix", "diff", "--fix changes files, and --diff only shows what would change" },
  { "staged", "changed", "--staged and --changed are two ways to choose files" },
  { "no_baseline", "baseline", "--no-baseline and --baseline exclude each other" },
  { "no_baseline", "update_baseline", "--no-baseline and --update-baseline exclude each other" },
}

-- What looks at files only once, or not at all.
local alone = { "list", "explain", "undo", "fix", "diff", "update_baseline" }
local not_watched = { "fix", "diff", "update_baseline", "list", "explain", "undo" }

-- What only says or remembers something has no use for words about a check.
local words_of = {
  list = { rules = true, rule = true, json = true, html = true, undo = true },
  explain = { rules = true },
  undo = { list = true, force = true, json = true },
  update_baseline = { rules = true, rule = true, changed = true, staged = true, baseline = true,
    jobs = true, no_cache = true },
}
local anywhere = { folder = true, timeout = true }

local function flag_of(key)
  return key == "jobs" and "-j" or "--" .. key:gsub("_", "-")
end

local function check_used(asked)
  for what, used in pairs(words_of) do
    for _, key in ipairs(asked[what] and arg.keys_of(asked) or {}) do
      if key ~= what and not (used[key] or anywhere[key]) then
        arg.fail("%s has no use for %s", flag_of(what), flag_of(key))
      end
    end
  end
end

local function check_together(asked)
  for _, one in ipairs(apart) do
    if asked[one[1]] and asked[one[2]] then arg.fail("%s", one[3]) end
  end
  for i, key in ipairs(alone) do
    for _, other in ipairs { table.unpack(alone, i + 1) } do
      local both = asked[key] and asked[other]
      if both and not (key == "list" and other == "undo") then
        arg.fail("%s and %s are two things to do", flag_of(key), flag_of(other))
      end
    end
  end
  for _, key in ipairs(asked.watch and not_watched or {}) do
    if asked[key] then arg.fail("--watch and %s exclude each other", flag_of(key)) end
  end
  if asked.unsafe and not (asked.fix or asked.diff) then
    arg.fail "--unsafe belongs to --fix or --diff"
  elseif asked.force and not asked.undo then
    arg.fail "--force belongs to --undo"
  elseif asked.explain and asked[1] then
    arg.fail("--explain takes a rule and no PATH; to check '%s' leave it away", asked[1])
  end
  check_used(asked)
end

local function check_values(asked)
  asked.fail_on = asked.fail_on or "error"
  if not severities[asked.fail_on] then
    local near = arg.suggest(asked.fail_on, arg.keys_of(severities))
    arg.fail("--fail-on should be error, warning, info or never, not '%s'%s", asked.fail_on,
      near and ("; did you mean '%s'?"):format(near) or "")
  end
  if asked.jobs then
    local n = math.tointeger(tonumber(asked.jobs))
    if not n or n < 1 then
      arg.fail("-j should be a whole number of at least 1, not '%s'", asked.jobs)
    end
    asked.jobs = n
  end
  asked.timeout = asked.timeout and arg.duration("orch check", "--timeout", asked.timeout)
end

local function parse(words, outer)
  local asked, code = flags.parse("check", words)
  if not asked then return nil, code end
  for _, key in ipairs { "folder", "timeout" } do asked[key] = asked[key] or outer[key] end
  check_together(asked)
  check_values(asked)
  return asked
end

local codes = { usage = EXIT_USAGE, rules = EXIT_RULES, baseline = EXIT_RULES,
  refused = EXIT_REFUSED, os = EXIT_FAILED, db = EXIT_FAILED, state = EXIT_FAILED }

local function failed(err)
  local kind = errors.is(err) and err.kind
  if kind == "unread" then return EXIT_READER_GONE end
  if codes[kind] then
    io.stderr:write("orch: ", (tostring(err):gsub("^orch: ", "")), "\n")
    return codes[kind]
  end
  require("orch.cli.report").print(err)
  return rawget(err, "alarm") and EXIT_TIMEOUT or EXIT_FAILED
end

local function enter(folder)
  local ok, guard = pcall(require("orch.place").cd, folder)
  if not ok then arg.fail("-C: %s", tostring(guard)) end
  return guard
end

local function body(asked)
  local _ <close> = asked.folder and enter(asked.folder) or nil
  return require "orch.cli.check_run"(asked)
end

local function run(asked)
  require "orch.scope" -- the grace and its like
  local main = core.spawn("check", HOLD, body, asked)
  if asked.timeout then
    runtime.alarm(asked.timeout, main, "the check took longer than --timeout; it was doing this:")
  end
  runtime.set_tree(function() return require("orch.tree").text() end)
  runtime.guard("interrupt", main)
  main:join()
  local ok, result = main:result()
  io.stdout:flush()
  local signal = runtime.interrupted()
  if signal then
    io.stderr:write("orch: ", asked.watch and "stopped watching"
      or signal == SIGINT and "interrupted" or "ended by signal " .. signal, "\n")
    return 128 + signal
  end
  if runtime.exit_code() then return runtime.exit_code() end -- os.exit in a rule, no reader
  return ok and result or failed(result)
end

---@async
---@param words string[] what follows "check"
---@param outer {folder: string?, timeout: string?} options that stood before it
---@return integer exit_code
return function(words, outer)
  local ok, asked, code = pcall(parse, words, outer)
  if not ok then return help.fail((tostring(asked):gsub("^orch: ", "")), nil, nil, "check") end
  return asked and run(asked) or code
end
