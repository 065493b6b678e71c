-- `orch watch FILE [JOB...]`: runs the jobs, and again those that a change touches.
--
--   return watch({ "--debounce", "1s", "deploy.lua", "build:*" }, {})
--
-- Everything runs in child processes, as `orch run` would: a script that breaks, or that
-- ends the process, ends nothing here.

local arg = require "orch.arg"
local core = require "orch.core.task"
local errors = require "orch.core.error"
local help = require "orch.cli.help"
local runtime = require "orch.core.runtime"

local HOLD = 2
local EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
local DEBOUNCE = 0.2

local own = { ["--debounce"] = "value", ["--restart"] = "switch", ["--clear"] = "switch" }

local function fail(message, ...)
  return nil, help.fail(message:format(...), nil, nil, "watch")
end

-- One of ours at words[at]; the index after it, nil for none.
local function take_own(words, at, asked)
  local name, value = words[at]:match "^(%-%-[%w-]+)=(.*)$"
  name = name or words[at]
  local kind = own[name]
  if not kind then return nil end
  if kind == "switch" then
    asked[name:sub(3)] = true
    return at + 1
  end
  asked[name:sub(3)] = value or words[at + 1] or ""
  return value and at + 1 or at + 2
end

-- Options in front of FILE are those of orch run; jobs and params follow it.
local function take_word(words, at, asked)
  local word = words[at]
  if asked.file then
    asked.words[#asked.words + 1] = word
    return at + 1
  elseif word:byte() ~= 45 then -- "-"
    asked.file = word
    return at + 1
  end
  local next_at = require("orch.pipeline.arguments").take(words, at, {})
  if not next_at then return fail("orch watch has no option '%s'", word) end
  table.move(words, at, next_at - 1, #asked.options + 1, asked.options)
  return next_at
end

local function parse(words)
  local asked, at = { options = {}, words = {} }, 1
  while words[at] do
    if words[at] == "--help" or words[at] == "-h" then
      io.stdout:write(help.text "watch")
      return nil, EXIT_OK
    elseif words[at] == "--describe" then
      asked.describe, at = words[at + 1], at + 2
    elseif words[at] == "--" then
      table.move(words, at, #words, #asked.words + 1, asked.words)
      break
    else
      local next_at, code = take_own(words, at, asked)
      if not next_at then next_at, code = take_word(words, at, asked) end
      if not next_at then return nil, code end
      at = next_at
    end
  end
  if not asked.file then return fail "there is no file to watch: orch watch FILE [JOB...]" end
  asked.debounce = asked.debounce and arg.duration("orch watch", "--debounce", asked.debounce)
    or DEBOUNCE
  return asked
end

-- In the child: the jobs are described instead of run.
local function describe(asked)
  return require "orch.cli.run"({ file = asked.file, describe = asked.describe,
    pipeline = #asked.options > 0 and asked.options or nil, command = "watch" }, asked.words)
end

-- What stood before "watch" is for the run.
local function add_outer(options, outer)
  for _, name in ipairs { "seed", "grace", "slow", "timeout" } do
    if outer[name] then
      options[#options + 1] = "--" .. name
      options[#options + 1] = outer[name]
    end
  end
end

local function body(asked, outer)
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  add_outer(asked.options, outer)
  return require("orch.pipeline.watch").run(asked)
end

local function failed(err)
  if errors.is(err) and (err.kind == "usage" or err.kind == "os") then
    io.stderr:write("orch: ", (tostring(err):gsub("^orch: ", "")), "\n")
    return err.kind == "usage" and EXIT_USAGE or EXIT_FAILED
  end
  require("orch.cli.report").print(err)
  return EXIT_FAILED
end

---@async
---@param words string[] what follows "watch"
---@param outer table options that stood before it
---@return integer exit_code
return function(words, outer)
  local ok, asked, code = pcall(parse, words)
  if not ok then
    return help.fail((tostring(asked):gsub("^orch: ", "")), nil, nil, "watch")
  elseif not asked then
    return code
  elseif asked.describe then
    return describe(asked)
  end
  runtime.set_tree(function() return require("orch.tree").text() end)
  local main = core.spawn("watch", HOLD, body, asked, outer)
  runtime.guard("interrupt", main)
  main:join()
  local done, result = main:result()
  local signal = runtime.interrupted()
  if signal then
    io.stderr:write "orch: stopped watching\n"
    return 128 + signal
  elseif not done then
    return failed(result)
  end
  return result
end
