--- What answers have cost, by the price table.
---
---     local usd = ai.cost(provider:chat "Hello")   -- nil: the model has no price

local arg = require "orch.arg"
local prices = require "orch.ai.price"

local function price_of(model)
  if type(model) ~= "string" then return nil end
  if prices[model] then return prices[model] end
  local plain = model:match "^(.+)%-%d%d%d%d%-%d%d%-%d%d$" or model:match "^(.+)%-20%d%d%d%d%d%d$"
  local price = plain and prices[plain]
  return price and price.dated and price or nil
end

local function cost_of(response)
  local price, usage = price_of(response.model), response.usage
  if not (price and usage and usage.input_tokens and usage.output_tokens) then return nil end
  if price.above and usage.input_tokens > price.above.tokens then price = price.above end
  local cached = math.min(usage.cached_tokens or 0, usage.input_tokens)
  return ((usage.input_tokens - cached) * price.input + cached * (price.cached or price.input)
    + usage.output_tokens * price.output) / 1e6
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
  for _, response in next, answers do
    local cost = cost_of(response)
    if not cost then return nil end
    sum = sum + cost
  end
  return sum
end
