--- Commit statuses of GitLab, on loopback.
---
---     local store <close> = dofile("tests/stores/gitlab.lua").start { commits = { sha } }
---     local status = orch.notify.gitlab_status { token = store.token, project = "studio/game",
---       base_url = store.url .. "/api/v4", commit = sha }
---     store.statuses
---
--- Follows GitLab's REST API v4 (18.x, 2026): POST /projects/:id/statuses/:sha with PRIVATE-TOKEN;
--- errors as { message = "401 Unauthorized" } or { error = "... does not have a valid value" };
--- the same state twice is 400 "Cannot transition status". Checked: token, states, 255
--- characters, that the commit exists.

local service = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/chat_service.lua")

local gitlab = {}

local states = { pending = true, running = true, success = true, failed = true, canceled = true,
  skipped = true }

local events = { pending = "enqueue", running = "run", success = "success", failed = "drop",
  canceled = "cancel", skipped = "skip" }

local function post(store, request)
  local project, sha = request.target:match "^/api/v4/projects/([^/]+)/statuses/(%x+)$"
  if request.headers["private-token"] ~= store.token then
    return { status = 401, json = { message = "401 Unauthorized" } }
  end
  if project ~= "studio%2Fgame" and project ~= "42" then
    return { status = 404, json = { message = "404 Project Not Found" } }
  end
  if not store.commits[sha] then
    return { status = 404, json = { message = "404 Commit Not Found" } }
  end
  local body = request:json()
  if not states[body.state] then
    return { status = 400, json = { error = "state does not have a valid value" } }
  end
  if utf8.len(body.description or "") > 255 then
    return { status = 400, json = { message = { description = { "is too long" } } } }
  end
  local event = events[body.state]
  if store.state == body.state or store.state == "running" and body.state == "pending" then
    return { status = 400, json = { message = ("Cannot transition status via :%s from :%s "
      .. "(Reason(s): Status cannot transition via \"%s\")"):format(event, store.state, event) } }
  end
  store.state = body.state
  table.insert(store.statuses, { sha = sha, state = body.state, name = body.name,
    description = body.description, target_url = body.target_url, ref = body.ref })
  return { status = 201, json = { id = #store.statuses, status = body.state } }
end

---@param o {commits: string[]?, delay: number?}?
---@return table store
function gitlab.start(o)
  o = o or {}
  local commits = {}
  for _, sha in ipairs(o.commits or {}) do commits[sha] = true end
  return service.start({ commits = commits, delay = o.delay, token = "glpat-0123456789abcdefghij",
    statuses = {} }, function(request) return request.method end, { POST = post })
end

return gitlab
