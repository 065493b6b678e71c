--- The proxy of a task: libcurl reads the process's own variables, but knows nothing of
--- what `orch.with_env` has changed.

local place = require "orch.place"

local names = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
  "no_proxy", "NO_PROXY" }

local function any(...)
  for _, name in ipairs { ... } do
    local value = place.getenv(name)
    if value and value ~= "" then return value end
  end
  return ""
end

---What to set for a request to a URL.
---@param url string
---@return string? proxy nil: libcurl finds it itself; "": none
---@return string? no_proxy
return function(url)
  local changes = place.env()
  if not changes then return nil end
  local concerned = false
  for _, name in ipairs(names) do concerned = concerned or changes[name] ~= nil end
  if not concerned then return nil end
  local proxy
  -- HTTP_PROXY in capitals may come from a request header where a CGI runs us.
  if url:find "^https:" then
    proxy = any("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
  else
    proxy = any("http_proxy", "all_proxy", "ALL_PROXY")
  end
  return proxy, any("no_proxy", "NO_PROXY")
end
