--- What jobs promise to write: inside the project, and each path by one job.
---
---     outputs.check(jobs, problems)
---
--- Paths are looked at as text, before anything runs. An output that ends in "/" or "/**"
--- is a folder with all below it, "/*" what lies directly in it, and any output is taken
--- for a folder when another one lies below it. Other patterns are compared as written.
--- What belongs to a folder is found out once for all outputs in it.

local find, match = string.find, string.match

local outputs = {}

--- "./out//a" -> "out/a", "" for the project itself; nil when it leaves it.
local function clean(path)
  if find(path, "^/") then return nil end
  local parts = {}
  for part in path:gmatch "[^/]+" do
    if part == ".." then
      if #parts == 0 then return nil end
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

local function outside(problems, job, path)
  local why = find(path, "^/")
    and "is absolute; outputs are relative to the project's folder"
    or clean(path) and "is the project's folder itself"
    or "lies outside the project's folder"
  problems:add(job, path, ("the output '%s' of job '%s' %s"):format(path, job.name, why))
end

local function both(problems, job, path, other, theirs)
  local as = theirs ~= path and (" (as '%s')"):format(theirs) or ""
  problems:add(job, path, ("the output '%s' of job '%s' is also written by job '%s'%s, which is "
    .. "declared at %s"):format(path, job.name, other.name, as, other.where))
end

--- A folder and what was found out about it: `path`, `prefix` of what is in it, `deep` and
--- `flat`: the job that writes all of it, or what lies directly in it.
local function folder_of(map, text)
  local path = clean(text)
  local prefix = path and path ~= "" and path .. "/" or ""
  local info = { path = path, prefix = prefix, same = prefix == text .. "/" or text == "" }
  map[text] = info
  return info
end

--- The key of an output: cleaned, and without a pattern for everything in a folder.
local function key_of(folders, path)
  local text, base = match(path, "^(.*)/([^/]*)$")
  if not text then
    text, base = "", path
  elseif text == "" then
    return nil
  end
  local folder = folders[text] or folder_of(folders, text)
  if not folder.path then return nil end
  if base ~= "" and not find(base, "^%.") and not find(base, "*", 1, true) then
    return folder.same and path or folder.prefix .. base, folder
  end
  local whole = match(path, "^(.*[^/])/+%*%*$") or match(path, "^(.*[^/])/+%*%*/+%*$")
    or match(path, "^(.*[^/])/+$")
  local key = clean(whole or path)
  if not key or key == "" then return nil end
  return key, folders[match(key, "^(.*)/") or ""] or folder_of(folders, match(key, "^(.*)/") or "")
end

local function claim(owner, key, job, path, problems)
  local other = owner[key]
  if not other then
    owner[key] = job
  elseif other ~= job then
    both(problems, job, path, other, path)
  end
end

--- The jobs that own a folder, or one above it; whether there is any.
local function find_owners(folders, owner)
  local any = false
  for _, info in next, folders do
    local above = info.path ~= "" and info.path or nil
    info.flat = above and owner[above .. "/*"]
    while above and not info.deep do
      info.deep, info.owned = owner[above], above
      above = match(above, "^(.*)/")
    end
    any = any or info.deep or info.flat
  end
  return any
end

local function check_inside(jobs, folders, problems)
  for _, job in ipairs(jobs) do
    for _, path in ipairs(job.outputs) do
      local key, folder = key_of(folders, path)
      if key and folder.deep and folder.deep ~= job then
        both(problems, job, path, folder.deep, folder.owned)
      elseif key and folder.flat and folder.flat ~= job and key ~= folder.path .. "/*" then
        both(problems, job, path, folder.flat, folder.path .. "/*")
      end
    end
  end
end

---@param jobs orch.Job[]
---@param problems table of orch.pipeline.problem
function outputs.check(jobs, problems)
  local folders, owner = {}, {} -- as written -> what is known of it; key -> job
  for i = 1, #jobs do
    local job = jobs[i]
    local list = job.outputs
    for n = 1, #list do
      local path = list[n]
      local key = key_of(folders, path)
      if key then
        claim(owner, key, job, path, problems)
      else
        outside(problems, job, path)
      end
    end
  end
  if find_owners(folders, owner) then check_inside(jobs, folders, problems) end
end

return outputs
