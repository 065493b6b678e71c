--- The price table: model -> USD per million tokens. A model that it does not name has no
--- price.
---
---     ai.price["my-model"] = { input = 0.5, output = 1.5 }
---     ai.price "prices.lua"          -- a file that returns such a table

local arg = require "orch.arg"

local types = {
  input = "number", cached = "number?", output = "number", above = "table?", dated = "boolean?",
  date = "string?", source = "string?",
}

local types_above = { tokens = "number", input = "number", cached = "number?",
  output = "number" }

--- Input and output must be there, and nothing may cost less than nothing.
local function check_numbers(model, price)
  for _, name in ipairs { "tokens", "input", "cached", "output" } do
    local value = price[name]
    if value and not (value >= 0 and value < math.huge) then
      arg.fail("ai.price: `%s` of '%s' should be 0 or more, not %s", name, tostring(model),
        arg.describe(value))
    end
  end
  if not (price.input and price.output) then
    arg.fail("ai.price: the price of '%s' should have input and output, in USD per million tokens",
      tostring(model))
  end
end

local function check(model, price)
  if type(price) ~= "table" then
    arg.fail("ai.price: the price of '%s' should be a table such as { input = 2, output = 10 }, "
      .. "not %s", tostring(model), arg.describe(price))
  end
  local what = ("ai.price: '%s'"):format(tostring(model))
  arg.options(what, price, types)
  check_numbers(model, price)
  if price.above then
    arg.options(what .. ": above", price.above, types_above)
    if not price.above.tokens then arg.fail("%s: `above` should have `tokens`", what) end
    check_numbers(model, price.above)
  end
  return price
end

local function load_file(prices, path)
  arg.check("ai.price", 1, path, "path")
  local chunk, problem = loadfile(path)
  if not chunk then arg.fail("ai.price: %s", problem) end
  local more = chunk()
  if type(more) ~= "table" then arg.fail("ai.price: '%s' should return a table", path) end
  for model, price in next, more do check(model, price) end
  for model, price in next, more do prices[model] = price end
end

---@class orch.ai.Price
---@field input number USD per million tokens
---@field cached number? for input that came from a cache; `input` by default
---@field output number
---@field above {tokens: integer, input: number, cached: number?, output: number}? the prices
---  of requests with more input tokens than `tokens`
---@field dated boolean? "NAME-2026-09-22" and "NAME-20260922" cost the same
---@field date string? when this was so
---@field source string? who says so

---@type table<string, orch.ai.Price>
local prices = require "orch.ai.prices"

return setmetatable(prices, { __call = load_file, check = check })
