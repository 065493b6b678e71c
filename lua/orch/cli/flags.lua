-- The words of a command, by its table in orch.cli.options.
--
--   local found, code = flags.parse("report", { "-2", "--junit=x.xml" })
--   --> found[1] is "-2", found.junit is "x.xml"
--
-- "-" and numbers such as -2 are no options. An option of which there may be several
-- (`many`) gives a list; one whose value may be missing (`maybe`) takes the next word only
-- if it matches that pattern or is "-", and is true otherwise.

local options = require "orch.cli.options"

local flags = {}

local function fail(command, message, word, known)
  return nil, require("orch.cli.help").fail(message, word, known, command)
end

local function names_of(known)
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function known_flags(command)
  local known = { ["--help"] = { key = "help" }, ["-h"] = { key = "help" } }
  for _, one in ipairs(options[command]) do
    known[one.flag] = one
    if one.short then known[one.short] = one end
  end
  return known
end

local function is_option(word)
  return word:byte() == 45 and word ~= "-" and not word:find "^%-%d+$" -- "-"
end

-- How many of the following words the option takes, and its value.
local function value_of(one, inline, next_word)
  if not one.value then return 0, true end
  if inline then return 0, inline end
  if one.maybe then
    local taken = next_word and (next_word == "-" or next_word:find(one.maybe))
    if taken then return 1, next_word end
    return 0, true
  end
  return 1, next_word
end

local function store(found, one, value)
  if one.many then
    found[one.key] = found[one.key] or {}
    table.insert(found[one.key], value)
  else
    found[one.key] = value
  end
end

---@param command string
---@param words string[]
---@return table? found values by key, and the other words; nil when there is nothing to do
---@return integer? exit_code then
function flags.parse(command, words)
  local known, found, at, plain = known_flags(command), {}, 1, false
  while words[at] do
    local word = words[at]
    if plain or not is_option(word) then
      found[#found + 1] = word
    elseif word == "--" then
      plain = true
    else
      local name, inline = word:match "^(%-%-[%w-]+)=(.*)$"
      name = name or word
      local one = known[name]
      if not one then
        return fail(command, ("orch %s has no option '%s'"):format(command, name), name,
          names_of(known))
      elseif inline and not one.value then
        return fail(command, ("option '%s' takes no value"):format(name))
      end
      local taken, value = value_of(one, inline, words[at + 1])
      if value == nil or value == "" then
        return fail(command, ("option '%s' needs a value"):format(name))
      end
      store(found, one, value)
      at = at + taken
    end
    at = at + 1
  end
  if not found.help then return found end
  io.stdout:write(require("orch.cli.help").text(command))
  return nil, 0
end

return flags
