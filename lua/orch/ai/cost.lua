--- What answers have cost, by the price table.
---
---     local usd = ai.cost(provider:chat "Hello")   -- nil: the model has no price

local arg = require "orch.arg"
local prices = require "orch.ai.price"
local tokens = require("orch.ai.field").tokens

local function price_of(model)
  if type(model) ~= "string" then return nil end
  if prices[model] then return prices[model] end
  local plain = model:match "^(.+)%-%d%d%d%d%-%d%d%-%d%d$" or model:match "^(.+)%-20%d%d%d%d%d%d$"
  local price = plain and prices[plain]
  return price and price.dated and price or nil
end

local function cost_of(response)
  local price, usage = price_of(response.model), response.usage
  local input, output = tokens(usage, "input_tokens"), tokens(usage, "output_tokens")
  if not (price and input and output) then return nil end
  price = getmetatable(prices).check(response.model, price) -- it may have been put there by hand
  if price.above and input > price.above.tokens then price = price.above end
  local cached = math.min(tokens(usage, "cached_tokens") or 0, input)
  return ((input - cached) * price.input + cached * (price.cached or price.input)
    + output * price.output) / 1e6
end

---An estimate: what the provider counted times what the table says. Answers that failed,
---and writing to a cache, are not in it.
---@param answers orch.ai.Response|orch.ai.Response[]|orch.ai.Comparison
---@return number? usd nil when the model of any answer has no price, or its tokens were not
---  counted: never a guess
return function(answers)
  arg.check("ai.cost", 1, answers, "table")
  if rawget(answers, "responses") then answers = answers.responses end
  if rawget(answers, "text") ~= nil then return cost_of(answers) end
  local sum = 0
  for i, response in next, answers do
    if type(response) ~= "table" then
      arg.fail("ai.cost: answer %s should be what a provider has answered, not %s", tostring(i),
        arg.describe(response))
    end
    local cost = cost_of(response)
    if not cost then return nil end
    sum = sum + cost
  end
  return sum
end
