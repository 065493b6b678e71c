--- Commit statuses of GitHub, on loopback.
---
---     local store <close> = dofile("tests/stores/github.lua").start { commits = { sha } }
---     local status = orch.notify.github_status { token = store.token, repo = "studio/game",
---       base_url = store.url, commit = sha }
---     store.statuses      -- { { sha =, state =, context =, description =, target_url = }, ... }
---
--- Follows GitHub's REST API, version 2022-11-28: POST /repos/{owner}/{repo}/statuses/{sha},
--- errors as { message, documentation_url }, a limit as 403 with x-ratelimit-remaining: 0 or
--- Retry-After. Checked: the token, the version, states, 140 characters, that the commit exists.

local service = dofile(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" .. "/chat_service.lua")

local github = {}

local states = { pending = true, success = true, failure = true, error = true }

local function refuse(status, words)
  return { status = status, json = { message = words, status = tostring(status),
    documentation_url = "https://docs.github.com/rest/commits/statuses" } }
end

local function post(store, request)
  local repo, sha = request.path:match "^/repos/([^/]+/[^/]+)/statuses/(%x+)$"
  if request.headers.authorization ~= "Bearer " .. store.token then
    return refuse(401, "Bad credentials")
  end
  if request.headers["x-github-api-version"] ~= "2022-11-28" then
    return refuse(400, "no version")
  end
  if not request.headers["user-agent"] then return refuse(403, "no user agent") end
  if repo ~= store.repo then return refuse(404, "Not Found") end
  local body = request:json()
  if not states[body.state] then return refuse(422, "Validation Failed") end
  if utf8.len(body.description or "") > 140 then
    return refuse(422, "Validation Failed: description is too long (maximum is 140 characters)")
  end
  if not store.commits[sha] then return refuse(422, "No commit found for SHA: " .. sha) end
  table.insert(store.statuses, { sha = sha, state = body.state, context = body.context,
    description = body.description, target_url = body.target_url })
  return { status = 201, json = { id = #store.statuses, state = body.state } }
end

---@param o {commits: string[]?, repo: string?, delay: number?}?
---@return table store
function github.start(o)
  o = o or {}
  local commits = {}
  for _, sha in ipairs(o.commits or {}) do commits[sha] = true end
  return service.start({ commits = commits, repo = o.repo or "studio/game", delay = o.delay,
    token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz", statuses = {} },
    function(request) return request.method end, { POST = post })
end

return github
