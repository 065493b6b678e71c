-- The command line: arguments in, exit code out.
--
--   return require "orch.cli" { "run", "deploy.lua", "staging" }
--
-- Every run of every script comes through here, so the words are looked at by
-- hand; help texts, sentences about errors and the other commands load when
-- they are needed.

--- Each but run and help is the module orch.cli.NAME: what follows it is its own.
local commands = {
  run = true, resume = true, watch = true, list = true, info = true, graph = true,
  history = true, show = true, diff = true, logs = true, report = true, gc = true,
  check = true, test = true, new = true, completion = true, version = true, help = true,
  __complete = true,
}

local flags = {
  ["--seed"] = "seed", ["--grace"] = "grace", ["--slow"] = "slow",
  ["--timeout"] = "timeout", ["-C"] = "folder", ["-e"] = "code",
  ["--record"] = "record", ["--replay"] = "replay", ["--tape-mode"] = "tape_mode",
  ["--replay-speed"] = "replay_speed",
}
local switches = {
  ["--trace"] = "trace", ["--help"] = "help", ["-h"] = "help",
  ["--version"] = "version", ["-V"] = "version", ["--tape-unused"] = "tape_unused",
}

local function known_options()
  local list = {}
  for flag in pairs(flags) do list[#list + 1] = flag end
  for flag in pairs(switches) do list[#list + 1] = flag end
  table.sort(list)
  return list
end

local function fail(...)
  return nil, require("orch.cli.help").fail(...)
end

-- What only a script with jobs understands is kept for after its body.
local function take_pipeline_option(argv, at, found)
  local arguments = require "orch.pipeline.arguments"
  local ok, next_at = pcall(arguments.take, argv, at, {})
  if not ok then return fail(next_at.message, nil, nil, "run") end
  if not next_at then return nil end
  found.pipeline = found.pipeline or {}
  table.move(argv, at, next_at - 1, #found.pipeline + 1, found.pipeline)
  return next_at
end

-- One option at argv[at]; the index after it, or nil and the exit code.
local function take_option(argv, at, found)
  local word = argv[at]
  if switches[word] then
    found[switches[word]] = true
    return at + 1
  end
  if flags[word] then
    if argv[at + 1] == nil then
      return fail("option '" .. word .. "' needs a value", nil, nil,
        found.command)
    end
    found[flags[word]] = argv[at + 1]
    return at + 2
  end
  local name, value = word:match("^(%-%-[%w-]+)=(.*)$")
  if flags[name] then
    found[flags[name]] = value
    return at + 1
  end
  if switches[name] then
    return fail("option '" .. name .. "' takes no value", nil, nil,
      found.command)
  end
  local next_at, code = take_pipeline_option(argv, at, found)
  if next_at or code then return next_at, code end
  name = name or word
  local command = found.command and "orch " .. found.command or "orch"
  return fail(command .. " has no option '" .. name .. "'", name, known_options(),
    found.command)
end

-- Options and the command in front of FILE; what follows is the script's.
local function parse(argv)
  local found, at = {}, 1
  while argv[at] do
    local word = argv[at]
    if word:byte() == 45 and word ~= "-" then -- "-"
      if word == "--" then return found, at + 1 end
      local next_at, code = take_option(argv, at, found)
      if not next_at then return nil, code end
      at = next_at
    elseif found.code or found.command or not commands[word] then
      break
    else
      found.command = word
      at = at + 1
      if word ~= "run" then break end
    end
  end
  return found, at
end

-- A first word that is neither a command nor a file.
local function check_file(found, word)
  if found.command or word == "-" or word:find("[./]") then return nil end
  local file = io.open(found.folder and found.folder .. "/" .. word or word)
  if file then
    file:close()
    return nil
  end
  local names = {}
  for name in pairs(commands) do
    if name ~= "__complete" then names[#names + 1] = name end
  end
  table.sort(names)
  names[#names + 1] = require("orch.cli.syntax").similar_file(word)
  return require("orch.cli.help").fail(
    "'" .. word .. "' is neither a command nor a file", word, names)
end

-- No file: an option may have taken it for its value.
local function no_file(found)
  local swallowed
  for flag, key in pairs(flags) do
    local value = found[key]
    if type(value) == "string" and value:find("%.lua$") then
      swallowed = ("; '%s' was taken as the value of %s"):format(value, flag)
    end
  end
  if not next(found) then
    io.stderr:write(require("orch.cli.help").text())
    return 2
  end
  return require("orch.cli.help").fail(
    "there is no file to run" .. (swallowed or ": orch run FILE"), nil, nil, "run")
end

--- The module orch.cli.report is older than the command.
local modules = { report = "reports" }

local function other_command(found, words)
  if found.record or found.replay then
    return require("orch.cli.help").fail("--record and --replay belong to orch run, not to orch "
      .. found.command, nil, nil, "run")
  end
  if found.command == "help" then return require("orch.cli.help").main(words) end
  return require("orch.cli." .. (modules[found.command] or found.command))(words, found)
end

---@async
---@param argv string[] the words after "orch"
---@return integer exit_code
local function main(argv)
  local found, at = parse(argv)
  if not found then return at end
  if found.help then
    io.stdout:write(require("orch.cli.help").text(found.command))
    return 0
  elseif found.version then
    return require("orch.cli.version") {}
  end
  local words = table.move(argv, at, #argv, 1, {})
  if found.command and found.command ~= "run" then
    return other_command(found, words)
  end
  if not found.code then
    if not words[1] then
      return no_file(found)
    end
    local code = check_file(found, words[1])
    if code then return code end
    found.file = table.remove(words, 1)
  end
  return require("orch.cli.run")(found, words)
end

return main
