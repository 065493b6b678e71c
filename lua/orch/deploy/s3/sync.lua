--- A folder to a prefix: what is there already, as size and ETag say, is not sent; what is not in
--- the folder is deleted where that is asked for.

local answer = require "orch.deploy.s3.answer"
local core = require "orch.core.hash"
local folders = require "orch.deploy.folder"
local etag = require "orch.deploy.s3.etag"
local failure = require "orch.deploy.failure"
local map = require "orch.map"
local object = require "orch.deploy.s3.object"
local shared = require "orch.deploy.sync"

local sync = {}

local DELETED_AT_ONCE <const> = 1000

---All objects below a prefix.
---@async
---@param client orch.deploy.s3.Client
---@param prefix string
---@return table<string, orch.deploy.s3.Object> objects by key
function sync.list(client, prefix)
  local objects, token, before = {}, nil, nil
  repeat
    before = token
    local root = client:request { what = ("list '%s'"):format(prefix), need = "s3:ListBucket",
      method = "GET", xml = true,
      query = { ["list-type"] = "2", ["encoding-type"] = "url", prefix = prefix,
        ["continuation-token"] = token } }
    for _, element in ipairs(root:all "Contents") do
      local key, one = object.listed(root, element)
      objects[key] = one
    end
    token = answer.text(root, "IsTruncated") == "true"
      and answer.text(root, "NextContinuationToken") or nil
  until not token or token == before
  return objects
end

--- Who may not list asks for each.
local function look_for_all(client, prefix, files)
  local ok, objects = pcall(sync.list, client, prefix)
  if ok then return objects, true end
  if not answer.is(objects, "AccessDenied") then error(objects, 0) end
  local found = {}
  map.each(files, function(file)
    found[prefix .. file.name] = object.look(client, prefix .. file.name)
  end)
  return found, false
end

---What is to be sent, and what to be deleted.
---@async
---@param client orch.deploy.s3.Client
---@param files orch.deploy.FolderFile[]
---@param o {prefix: string, part_size: integer, delete: boolean?, include: any, exclude: any}
---@return orch.deploy.SyncPlan plan with `surplus`: keys
function sync.plan(client, files, o)
  local there, all = look_for_all(client, o.prefix, files)
  local same = map.map(files, function(file)
    local one = there[o.prefix .. file.name]
    file.seen = one and one.etag
    return one ~= nil and etag.same(file, one, etag.part_size(file.size, o.part_size))
  end, { concurrency = 4 })
  local plan = shared.plan(files, function(_, i) return same[i] end)
  plan.surplus = {}
  if not o.delete then return plan end
  if not all then
    failure.throw("s3", { what = ("list '%s'"):format(o.prefix), kind = "auth",
      words = "`delete` has to know what is there", hint = "the access key needs s3:ListBucket" })
  end
  local ours = { [o.prefix] = true } -- with which consoles mark a folder
  for _, file in ipairs(files) do ours[o.prefix .. file.name] = true end
  local chosen = folders.chooser("deploy.s3.upload", o)
  for key in next, there do
    if not ours[key] and chosen(key:sub(#o.prefix + 1)) then table.insert(plan.surplus, key) end
  end
  table.sort(plan.surplus)
  return plan
end

--- A line end as it is would arrive as a space, and be another key.
local function escape(c) return ("&#%d;"):format(c:byte()) end

--- What the service would not delete: it says so in an answer of 200.
local function check_deleted(root)
  local refused = root:find "Error"
  if not refused then return end
  local code = answer.text(refused, "Code")
  failure.throw("s3", { what = ("delete '%s'"):format(answer.text(refused, "Key") or "?"),
    kind = "rejected", reason = code, words = answer.text(refused, "Message"),
    retryable = answer.is_passing(code),
    hint = code == "AccessDenied" and "the access key needs s3:DeleteObject" or nil })
end

local function delete_some(client, keys, from, to)
  local list = { "<Delete><Quiet>true</Quiet>" }
  for i = from, to do
    list[#list + 1] = "<Object><Key>" .. keys[i]:gsub("[&<>%c]", escape) .. "</Key></Object>"
  end
  list[#list + 1] = "</Delete>"
  local body = table.concat(list)
  client:request { what = ("delete %d objects"):format(to - from + 1), need = "s3:DeleteObject",
    method = "POST", query = { delete = "" }, body = body, xml = check_deleted,
    headers = { ["content-md5"] = etag.base64(core.digest("md5", body)),
      ["content-type"] = "application/xml" } }
end

---@async
---@param client orch.deploy.s3.Client
---@param keys string[]
function sync.delete(client, keys)
  for from = 1, #keys, DELETED_AT_ONCE do
    delete_some(client, keys, from, math.min(from + DELETED_AT_ONCE - 1, #keys))
  end
end

return sync
