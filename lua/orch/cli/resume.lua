-- `orch resume [RUN]`: goes on with a run that was broken off.

local errors = require "orch.core.error"
local help = require "orch.cli.help"
local project = require "orch.pipeline.project"

local EXIT_OK, EXIT_USAGE, EXIT_REFUSED = 0, 2, 7

local function say(...)
  io.stderr:write("orch: ", ...)
  io.stderr:write("\n")
end

--- RUN, and what is for the run itself: --yes, --ui, -j ...
local function split(words)
  local spec, rest, force, yes, i = nil, {}, {}, false, 1
  while words[i] do
    local word = words[i]
    if word:byte() == 45 and not word:find "^%-%d+$" then -- "-"
      rest[#rest + 1] = word
      if require("orch.pipeline.arguments").takes_value(word) then
        i = i + 1
        rest[#rest + 1] = words[i]
      end
      force[#force + 1] = word == "--force" and words[i] or word:match "^%-%-force=(.+)$"
      yes = yes or word == "--yes" or word == "-y"
    elseif spec then
      return nil, help.fail("orch resume takes one RUN, not '" .. word .. "' as well", nil, nil,
        "resume")
    else
      spec = word
    end
    i = i + 1
  end
  return { spec = spec, rest = rest, force = force, yes = yes }
end

--- Why there is nothing to go on with; nil when there is.
local function settled(found, run, p)
  if not found.start then
    say("run ", run.id, " has no beginning that could be read; start anew with orch run")
    return EXIT_USAGE
  elseif found.model.status == "ok" then
    -- It may have been killed between its last record and the state.
    pcall(require("orch.pipeline.recover").project, p)
    say("run ", run.id, " has finished: there is nothing left to do")
    return EXIT_OK
  end
end

local function is_given(flag, rest)
  for _, word in ipairs(rest) do
    if word == flag or word:sub(1, #flag + 1) == flag .. "=" then return true end
  end
  return false
end

--- The words that the run had. A secret among them is not recorded, so it has to be given
--- again; nil and that word where it is not.
local function words_of(start, rest)
  local words = {}
  for _, word in ipairs(start.args or {}) do
    local flag = word:match "^(%-%-[^=]+)=" or (words[#words] or ""):match "^%-%-[^=]+$"
    if not word:find("***", 1, true) then
      words[#words + 1] = word
    elseif not flag or not is_given(flag, rest) then
      return nil, flag or word
    elseif words[#words] == flag then
      words[#words] = nil
    end
  end
  return table.move(rest, 1, #rest, #words + 1, words)
end

local nameless = { ["(command line)"] = true, ["-"] = true }

local function resume(words, found)
  local asked, code = split(words)
  if not asked then return code end
  local p = project.find(found.folder)
  local run = project.run(p, asked.spec)
  local recorded = require("orch.pipeline.resume").read(run, asked)
  code = settled(recorded, run, p)
  if code then return code end
  local start = recorded.start
  local given, secret = words_of(start, asked.rest)
  if not given then
    say("run ", run.id, " was given a secret as ", secret, ", which is not recorded; give it again (",
      secret, "=...), or start anew with orch run")
    return EXIT_USAGE
  elseif nameless[start.script] then
    say("the script of run ", run.id, " is in no file; start anew with orch run")
    return EXIT_USAGE
  end
  say("going on with run ", run.id, " of ", start.script)
  return require("orch.cli.run")({
    file = start.script, folder = start.folder, seed = found.seed, grace = found.grace,
    slow = found.slow, timeout = found.timeout, resume = recorded, command = "resume",
  }, given)
end

---@async
---@param words string[]
---@param found table
---@return integer exit_code
return function(words, found)
  if words[1] == "--help" or words[1] == "-h" then
    io.stdout:write(help.text("resume"))
    return EXIT_OK
  end
  local ok, result = xpcall(resume, errors.handler, words, found)
  if ok then return result end
  if errors.is(result) and result.kind == "usage" then
    say(tostring(result))
    return EXIT_USAGE
  elseif errors.is(result) and result.kind == "refused" then
    say(tostring(result))
    return EXIT_REFUSED
  end
  error(result, 0)
end
