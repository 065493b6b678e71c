--- A workflow of Microsoft Teams that posts what its webhook gets, on loopback.
---
---     local store <close> = dofile("tests/stores/teams.lua").start {}
---     local chat = orch.notify.teams { webhook = store.webhook }
---     store.cards         -- Adaptive Cards
---
--- Follows "Create incoming webhooks with Workflows" of Microsoft Learn and the reference of the
--- connector (2026): the request is { type = "message", attachments = { card } }, the answer 202
--- without a body, the limit 28 KB. Checked: the signature in the query, the shape of the card.

local service = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/chat_service.lua")

local teams = {}

local SIGNATURE = "tFs9LpcdsN1pG3OGt8lUzSvoT9b3kU9ttXVmxiETPXE"

local function refuse(status, code, words)
  return { status = status, json = { error = { code = code, message = words } } }
end

local elements = { TextBlock = true, FactSet = true, Container = true, Image = true,
  ColumnSet = true }

local function check(body)
  local attachment = body.type == "message" and type(body.attachments) == "table"
    and body.attachments[1]
  if not attachment then return "The request has no attachments" end
  if attachment.contentType ~= "application/vnd.microsoft.card.adaptive" then
    return "The attachment is no card"
  end
  local card = attachment.content
  if card.type ~= "AdaptiveCard" or card.version ~= "1.4" then return "The card has no version" end
  for _, element in ipairs(card.body) do
    if not elements[element.type] then return "The card has an unknown element" end
    if element.type == "TextBlock" and type(element.text) ~= "string" then return "no text" end
    for _, fact in ipairs(element.facts or {}) do
      if type(fact.title) ~= "string" or type(fact.value) ~= "string" then return "no fact" end
    end
  end
end

local function invoke(store, request)
  if request.query.sig ~= SIGNATURE then
    return refuse(401, "DirectApiAuthorizationRequired",
      "The request must be authenticated only by Shared Access scheme.")
  end
  if #request.body > 28 << 10 then
    return refuse(413, "RequestEntityTooLarge", "Request Entity too large")
  end
  local body = request:json()
  local wrong = check(body)
  if wrong then return refuse(400, "InvalidRequest", wrong) end
  table.insert(store.cards, body.attachments[1].content)
  return { status = 202 }
end

---@param o {delay: number?, port: integer?}?
---@return table store
function teams.start(o)
  o = o or {}
  local store = service.start({ delay = o.delay, port = o.port, cards = {} },
    function(request) return request.path:find "/invoke$" and request.method end, { POST = invoke })
  store.webhook = store.url .. "/powerautomate/automations/direct/workflows/b950a56150be4c05/"
    .. "triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig="
    .. SIGNATURE
  return store
end

return teams
