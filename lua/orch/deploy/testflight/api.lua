--- Requests to the App Store Connect API: JSON:API documents, and lists in pages.
---
--- A request that makes something is not sent twice blindly: when its answer was lost, it is
--- asked first whether the thing is there.

local call = require "orch.deploy.call"
local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local json = require "orch.json"
local key = require "orch.deploy.testflight.key"
local retry = require "orch.retry"
local words = require "orch.deploy.testflight.words"

local api = {}

local BASE_URL = "https://api.appstoreconnect.apple.com"
local PAGE = 200

---@class orch.deploy.testflight.Api
---@field client orch.deploy.Client
---@field storage orch.deploy.Client for the parts of a file: other hosts, without the token
---@field policy table of orch.retry
local Api = {}
Api.__index = Api

local function policy_of(value)
  if value == false then return { attempts = 1 } end
  local policy = { attempts = 5 }
  for name, item in next, type(value) == "table" and value or {} do
    if name ~= "methods" then policy[name] = item end
  end
  return policy
end

---@async
---@param fname string
---@param o table the options of the call
---@return orch.deploy.testflight.Api
function api.open(fname, o)
  return setmetatable({
    client = call.client { service = "testflight", base_url = o.base_url or BASE_URL,
      http = o.http, retry = o.retry, auth = key.open(fname, o), words = words.reader(o.issuer_id) },
    storage = call.client { service = "testflight", http = o.http, retry = o.retry,
      words = words.of_storage },
    policy = policy_of(o.retry),
  }, Api)
end

--- What is null is not there.
local function without_null(value)
  for name, item in next, value do
    if item == json.null then
      value[name] = nil
    elseif type(item) == "table" then
      without_null(item)
    end
  end
  return value
end

--- A proxy's page, or half a document, is no answer of Apple's.
local function foreign(what, response)
  failure.throw("testflight", { kind = "http", what = what, status = response.status,
    response = response, words = ("'%s' is not what App Store Connect answers"):format(
    response.body:sub(1, 80)), hint = "is there a proxy on the way?" })
end

local function is_resource(value)
  if type(value) ~= "table" or type(value.id) ~= "string" then return false end
  if type(value.attributes) ~= "table" then value.attributes = {} end
  return true
end

local function is_list(value)
  if type(value) ~= "table" or value.id then return false end
  for _, item in ipairs(value) do
    if not is_resource(item) then return false end
  end
  return true
end

--- The document of an answer, whose `data` is what `check` wants.
local function request(self, what, method, path, opts, check)
  local ok, result = pcall(self.client.request, self.client, what, method, path, opts)
  if not ok then
    if errors.is(result) and result.response then result.errors = words.list(result.response) end
    error(result, 0)
  end
  local read, document = pcall(json.decode, result.body == "" and "{}" or result.body)
  if not read or type(document) ~= "table" or not check(without_null(document).data) then
    foreign(what, result)
  end
  return document
end

---@async
---@param what string the end of "cannot ..."
---@param path string
---@return table resource
function Api:one(what, path)
  return request(self, what, "GET", path, nil, is_resource).data
end

---A part of a list: as much of it as comes at once.
---@async
---@param what string
---@param path string
---@param query table
---@return table document `data` is the list
function Api:page(what, path, query)
  return request(self, what, "GET", path, { query = query }, is_list)
end

---All of a list, which comes in pages. The address of the next page is taken as a query of
---this one: the token goes to no other server.
---@async
---@return table[] resources
function Api:list(what, path, query)
  query = query or {}
  query.limit = PAGE
  local document = self:page(what, path, query)
  local all = document.data
  while type(document.links) == "table" and document.links.next do
    local rest = tostring(document.links.next):match "%?.*$" or ""
    document = request(self, what, "GET", path .. rest, nil, is_list)
    table.move(document.data, 1, #document.data, #all + 1, all)
  end
  return all
end

---Sends a document. `already`, where it is given, is asked before a further attempt: what it
---returns stands for the answer.
---@async
---@param what string
---@param method "POST"|"PATCH"
---@param path string
---@param data any the document's `data`
---@param already (async fun(): any)?
---@return any resource nil where there is no answer to it (relationships)
function Api:send(what, method, path, data, already)
  local check = method == "POST" and data.type and is_resource or function() return true end
  return (retry(function(attempt)
    local found = attempt > 1 and already and already()
    if found then return found end
    local opts = { json = { data = data }, retry = false }
    return request(self, what, method, path, opts, check).data
  end, self.policy))
end

---Makes something; what is in its way, made meanwhile by another run or by Apple, is taken
---where `existing` finds it.
---@async
---@param existing async fun(in_the_way: boolean?): table?
---@return table resource
function Api:make(what, path, data, existing)
  local ok, made = pcall(self.send, self, what, "POST", path, data, existing)
  if ok then return made end
  local found = errors.is(made) and made.kind == "conflict" and existing(true)
  return found or error(made, 0)
end

return api
