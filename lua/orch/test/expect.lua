-- Expectations: what a test says of a value, and how it reads when it is false.
--
--   expect(sum(1, 2)):equals(3)
--   expect(list).never:contains("b")
--   local err = expect(function() fs.read("gone") end):raises("os")
--
-- A false one raises an Error of kind `expectation` with `.diff` (text or nil)
-- and `.where`; it ends the case.

local diff = require "orch.test.diff"
local raised = require "orch.test.raised"
local show = require "orch.test.show"

---@class orch.Expectation
---@field never orch.Expectation the same, negated
---@field private value any
---@field private negated boolean
local Expectation = {}

local counter = 0

-- "file:line" of the innermost frame that is not orch's own.
local function caller()
  for level = 3, 30 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    local own = info.source:sub(1, 6) == "=orch/"
    if info.what ~= "C" and not own then
      return info.short_src .. ":" .. info.currentline
    end
  end
  return nil
end

local function fail(message, difference)
  local failure = require("orch.error").new {
    kind = "expectation",
    message = message,
    diff = difference,
    where = caller(),
  }
  error(failure, 0)
end

-- `what` completes "expected VALUE to ...".
local function judge(self, holds, what, difference, limit)
  counter = counter + 1
  if (not holds) == self.negated then return self end
  local word = self.negated and "not to " or "to "
  return fail("expected " .. show(self.value, limit) .. " " .. word .. what,
    not self.negated and difference or nil)
end

local function misuse(name, fmt, ...)
  require("orch.error") {
    kind = "usage",
    message = "expect(...):" .. name .. ": " .. string.format(fmt, ...),
  }
end

local function need(name, value, wanted)
  if type(value) ~= wanted then
    misuse(name, "the argument should be a %s, not %s", wanted, show(value))
  end
end

-- A string as it is, an Error as its sentence, otherwise nil.
local function text_of(value)
  if type(value) == "string" then return value end
  local meta = getmetatable(value)
  if type(value) == "table" and meta and meta.__tostring then
    return tostring(value)
  end
  return nil
end

---Equal by content, tables deeply. 1 equals 1.0, NaN equals NaN.
---@param expected any
---@return orch.Expectation self
function Expectation:equals(expected)
  local same = diff.equal(expected, self.value)
  local difference = not same and diff.text(expected, self.value) or nil
  -- With a diff below, the sentence need not hold all of both values.
  local brief = difference and not self.negated and 60 or nil
  return judge(self, same, "equal " .. show(expected, brief), difference,
    brief)
end

---The very same value (rawequal): the same table, the same function.
---@param expected any
---@return orch.Expectation self
function Expectation:is(expected)
  local hint = ""
  if type(expected) == "table" and diff.equal(expected, self.value)
    and not self.negated then
    hint = " (it has the same content but is another table)"
  end
  return judge(self, rawequal(expected, self.value),
    "be " .. show(expected) .. hint)
end

---Neither nil nor false.
---@return orch.Expectation self
function Expectation:truthy()
  return judge(self, self.value, "be truthy")
end

---nil or false.
---@return orch.Expectation self
function Expectation:falsy()
  return judge(self, not self.value, "be falsy")
end

---@return orch.Expectation self
function Expectation:is_nil()
  return judge(self, self.value == nil, "be nil")
end

local types = {
  integer = function(v) return math.type(v) == "integer" end,
  float = function(v) return math.type(v) == "float" end,
  error = function(v) return require("orch.error").is(v) end,
  callable = function(v)
    local meta = getmetatable(v)
    return type(v) == "function"
      or type(meta) == "table" and meta.__call ~= nil
  end,
}

for name in ("nil boolean number string table function thread userdata")
  :gmatch("%a+") do
  types[name] = function(v) return type(v) == name end
end

---@param wanted string a Lua type, or "integer", "float", "callable", "error"
---@return orch.Expectation self
function Expectation:is_a(wanted)
  need("is_a", wanted, "string")
  local holds = types[wanted]
  if not holds then misuse("is_a", "%s is no type", show(wanted)) end
  return judge(self, holds(self.value), "be a " .. wanted)
end

---A string (or an Error's sentence) in which a Lua pattern is found.
---@param pattern string
---@return orch.Expectation self
function Expectation:matches(pattern)
  need("matches", pattern, "string")
  local text = text_of(self.value)
  return judge(self, text and text:find(pattern),
    "match the pattern " .. show(pattern))
end

local function has_item(list, item)
  for _, value in pairs(list) do
    if diff.equal(item, value) then return true end
  end
  return false
end

---A table with a value equal to `item`, or a string (or an Error's sentence)
---with that substring.
---@param item any
---@return orch.Expectation self
function Expectation:contains(item)
  local text = text_of(self.value)
  local holds = false
  if text then
    need("contains", item, "string")
    holds = text:find(item, 1, true) ~= nil
  elseif type(self.value) == "table" then
    holds = has_item(self.value, item)
  end
  return judge(self, holds, "contain " .. show(item))
end

---@param n number
---@return orch.Expectation self
function Expectation:greater_than(n)
  need("greater_than", n, "number")
  return judge(self, type(self.value) == "number" and self.value > n,
    "be greater than " .. show(n))
end

---@param n number
---@return orch.Expectation self
function Expectation:less_than(n)
  need("less_than", n, "number")
  return judge(self, type(self.value) == "number" and self.value < n,
    "be less than " .. show(n))
end

---@param n number
---@param tolerance? number the largest accepted distance, default 1e-9
---@return orch.Expectation self
function Expectation:near(n, tolerance)
  need("near", n, "number")
  tolerance = tolerance or 1e-9
  local holds = type(self.value) == "number"
    and math.abs(self.value - n) <= tolerance
  return judge(self, holds,
    "be within " .. show(tolerance) .. " of " .. show(n))
end

---Calls the value; it raises. May wait.
---@async
---@param wanted? string|table an Error's kind or a pattern in its text; a table
---  of fields that the Error has (`message` as a pattern); nil: anything
---@return any err what was raised; nil when negated
function Expectation:raises(wanted)
  if type(wanted) ~= "nil" and type(wanted) ~= "string"
    and type(wanted) ~= "table" then
    misuse("raises", "the argument should be a kind, a pattern or a table, "
      .. "not %s", show(wanted))
  end
  local ok, err = pcall(self.value)
  counter = counter + 1
  local holds = not ok and raised.fits(err, wanted)
  if holds ~= self.negated then return err end
  local what = wanted == nil and "an error" or show(wanted)
  if self.negated then
    return fail("expected no " .. what .. ", but this was raised: "
      .. raised.describe(err, wanted))
  end
  if ok then return fail("expected " .. what .. " to be raised, "
      .. "but the function returned") end
  return fail("expected " .. what .. " to be raised",
    "raised: " .. raised.describe(err, wanted))
end

---Calls the value; it returns. May wait.
---@async
---@return any ... what it returned
function Expectation:succeeds()
  if self.negated then return self.never:raises() end
  local got = table.pack(pcall(self.value))
  counter = counter + 1
  if got[1] then return table.unpack(got, 2, got.n) end
  return fail("expected no error", "raised: " .. raised.describe(got[2]))
end

local function names()
  local list = { "never" }
  for name in pairs(Expectation) do list[#list + 1] = name end
  return list
end

local function index(self, key)
  if key == "never" then
    return setmetatable({ value = self.value, negated = not self.negated },
      getmetatable(self))
  end
  local method = Expectation[key]
  if method or key == "value" then return method end -- the value may be nil
  local near = type(key) == "string"
    and require("orch.arg").suggest(key, names())
  return misuse(tostring(key), "there is no such expectation%s",
    near and "; did you mean '" .. near .. "'?" or "")
end

local meta = { __index = index, __name = "orch.Expectation" }

local expect = {}

---Expectations that were judged since the program started.
---@return integer
function expect.count()
  return counter
end

---For the library: one more expectation, of words of its own.
---@param holds boolean
---@param message string for when it does not hold
---@param difference? string
function expect.judge(holds, message, difference)
  counter = counter + 1
  if not holds then fail(message, difference) end
end

---@param value any what is looked at; a function for `raises` and `succeeds`
---@return orch.Expectation
function expect.new(value)
  return setmetatable({ value = value, negated = false }, meta)
end

return expect
