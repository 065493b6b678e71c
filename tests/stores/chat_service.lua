--- What the fakes of services that tell people share: routes, faults on request, and what was
--- asked, in its order.
---
---     store:fail("POST", 2, { status = 503 })      -- the second from now
---     store:fail("POST", "always", { close = true })
---
--- A fault is an answer of orch.http.serve, with `delay` (seconds) and `lost` (it is done, but
--- nobody is told) beside it. `store.most_at_once` is how many requests there were at a time.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local service = { here = here }

local Service = {}
Service.__index = Service

---@param route string as the fake calls it
---@param nth integer|"always"
---@param fault table
function Service:fail(route, nth, fault)
  local list = self.faults[route] or {}
  self.faults[route] = list
  list[#list + 1] = { left = nth, fault = fault }
end

function Service:take_fault(route)
  for i, one in ipairs(self.faults[route] or {}) do
    if one.left == "always" then return one.fault end
    one.left = one.left - 1
    if one.left == 0 then
      table.remove(self.faults[route], i)
      return one.fault
    end
  end
end

function Service:count(route)
  return self.asked[route] or 0
end

local function answer(self, request, route, handler)
  local fault = self:take_fault(route)
  if self.delay then orch.sleep(self.delay) end
  if fault and fault.delay then orch.sleep(fault.delay) end
  if fault and not fault.lost and (fault.status or fault.close or fault.reset) then
    return { status = fault.status, headers = fault.headers, json = fault.json, body = fault.body,
      close = fault.close, reset = fault.reset }
  end
  local result = handler(self, request)
  if fault and fault.lost then return { close = true } end
  return result
end

function Service:__close()
  self.server:close()
end

---@param state table becomes the store
---@param route_of fun(request: orch.Request): string
---@param handlers table<string, fun(store: table, request: orch.Request): any>
---@return table store `<close>`-able, with `.url`
function service.start(state, route_of, handlers)
  local self = setmetatable(state, Service)
  self.faults, self.asked, self.times = {}, {}, {}
  self.at_once, self.most_at_once = 0, 0
  self.server = orch.http.serve({ port = self.port or 0 }, function(request)
    local route = route_of(request)
    local handler = route and handlers[route]
    if not handler then return { status = 404, json = { message = "Not Found" } } end
    self.asked[route] = (self.asked[route] or 0) + 1
    self.times[#self.times + 1] = orch.time()
    self.at_once = self.at_once + 1
    self.most_at_once = math.max(self.most_at_once, self.at_once)
    local _ <close> = orch.defer(function() self.at_once = self.at_once - 1 end)
    return answer(self, request, route, handler)
  end)
  self.url = self.server.url
  return self
end

return service
