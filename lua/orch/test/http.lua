-- Fakes for HTTP: what a case's requests are answered, without a network.
--
--   local fake = test.http {
--     ["GET https://api.example.com/users/7"] = { json = { name = "Ada" } },
--     ["POST *"] = function(request) return { status = 201, json = request:json() } end,
--   }
--   expect(#fake.requests):equals(1)
--
-- They end with the case. A request that has no fake fails.

local arg = require "orch.arg"
local canned = require "orch.http.canned"
local clock = require "orch.core.clock"
local errors = require "orch.core.error"
local answers = require "orch.test.http_answer"
local rules = require "orch.test.http_rule"
local task = require "orch.core.task"
local seen = require "orch.test.http_request"
local url = require "orch.http.url"
local wire = require "orch.http.wire"

local http = {}

-- Those of the running case.
local open = {}

-- Answers one after the other; the last one stays.
local function next_answer(rule)
  local answer = rule.answer
  if not answers.is_list(answer) then return answer end
  rule.turn = math.min((rule.turn or 0) + 1, #answer)
  return answer[rule.turn]
end

local function check_rule(key, answer)
  if arg.is_callable(answer) then return end
  for _, one in ipairs(answers.is_list(answer) and answer or { answer }) do
    if not arg.is_callable(one) then answers.check(key, one) end
  end
end

---@class orch.TestHttp
---@field requests orch.TestHttpRequest[] in the order in which they came, those without a
---  fake included
local Fake = { __name = "orch.test.http" }
Fake.__index = Fake

local function nearest(self, raw)
  local best, best_cost, difference
  for _, rule in ipairs(self.rules) do
    local cost, words = rule:differs(raw.method, raw.url)
    if not best or cost < best_cost then best, best_cost, difference = rule, cost, words end
  end
  return best, difference
end

local function unfaked(self, raw)
  local shown = url.shown(raw.url)
  local best, difference = nearest(self, raw)
  local near = best and ("the nearest fake is %q, but %s differs"):format(best.key, difference)
    or "there are no fakes at all"
  if difference and difference:find " is " then near = near:gsub(" differs$", "") end
  errors.throw(errors.make { kind = "usage", url = shown, method = raw.method,
    message = ("no fake answers %s %s; %s"):format(raw.method, shown, near) })
end

local function serve(self, how, raw)
  task.checkpoint()
  local started = clock.now()
  local request = seen(raw)
  if type(raw.body) == "function" then -- it was read
    local copy = {}
    for key, value in next, raw do copy[key] = value end
    copy.body = request.body
    raw = copy
  end
  self.requests[#self.requests + 1] = request
  for _, rule in ipairs(self.rules) do
    if rule:differs(raw.method, raw.url) == 0 then
      local answer = next_answer(rule)
      if arg.is_callable(answer) then answer = answer(request) end
      answer = answers.check(rule.key, answer)
      if answer.pass then return self.inner[how](raw) end
      return canned[how](answers.canned(answer, raw, request, started))
    end
  end
  return unfaked(self, raw)
end

---The network is back. The end of the case calls it.
function Fake:close()
  if not self.swap then return end
  do local _ <close> = self.swap end
  self.swap = nil
  for i = #open, 1, -1 do
    if open[i] == self then table.remove(open, i) end
  end
end

Fake.__close = Fake.close

---Fakes for the requests of the case. Of those that fit, the most specific one answers.
---@param fakes table<string, any> "METHOD address" -> answer
---@return orch.TestHttp fake
function http.new(fakes)
  arg.check("test.http", 1, fakes, "table")
  local self = setmetatable({ requests = {}, rules = {} }, Fake)
  for key, answer in pairs(fakes) do
    local rule = rules.parse(key)
    check_rule(key, answer)
    rule.answer = answer
    self.rules[#self.rules + 1] = rule
  end
  rules.sort(self.rules)
  self.inner = wire.transport
  self.swap = wire.with {
    send = function(raw) return serve(self, "send", raw) end,
    open = function(raw) return serve(self, "open", raw) end,
  }
  open[#open + 1] = self
  return self
end

---Removes what the case has left.
function http.clean_up()
  while #open > 0 do open[#open]:close() end
end

return http
