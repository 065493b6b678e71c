--- What the files of jobs look like: all of a plan's at once from outside, and where that
--- is not enough, the files of one job by their contents.
---
---     local looks = inputs.look(jobs)            -- looks[1].inputs.stamp
---     local now = inputs.detail(job.inputs, known_blob, job.outputs)
---     local added, removed, changed = inputs.compare(known_blob, now.blob)
---
--- Paths and patterns are relative to the project's folder. A folder that is named counts
--- as everything below it; no `.orch` is entered; a link counts as what it leads to.

local core = require "orch.core.stamp"
local pattern = require "orch.fs.pattern"
local place = require "orch.place"

local find, gsub, sub = string.find, string.gsub, string.sub

local inputs = {}

--- "./a//b/./c/" -> "a/b/c"; "." -> "**"; below the project's folder, it is relative to that.
local function shape(text, folder)
  local one = text
  repeat
    local before = one
    one = gsub(one, "//+", "/")
    one = gsub(one, "/%./", "/")
    one = gsub(one, "^%./", "")
    one = gsub(one, "/%.$", "")
  until one == before
  if #one > 1 then one = gsub(one, "([^\\])/$", "%1") end
  if one == "" or one == "." or one == folder then return "**" end
  if sub(one, 1, #folder + 1) == folder .. "/" then return sub(one, #folder + 2) end
  return one
end

--- Patterns that C does not take as they are: with braces, exclusions, or in another shape.
local function preparer(folder)
  local known = {}
  local function shapes(list)
    for i, text in ipairs(list) do
      local plain = not find(text, "[*?%[]") and gsub(text, "\\(.)", "%1") or text
      list[i] = shape(plain, folder)
    end
    return list
  end
  return function(patterns)
    local key = table.concat(patterns, "\0")
    local found = known[key]
    if not found then
      local includes, excludes = pattern.parse("job", 1, patterns)
      found = { shapes(includes), shapes(excludes) }
      known[key] = found
    end
    return found[1], found[2]
  end
end

---@class orch.pipeline.Look
---@field stamp string 16 bytes over path, size, time of change and kind of every file
---@field files integer those that two patterns find count twice
---@field bytes integer
---@field newest number seconds, the latest time of change; 0 where there is no file
---@field missing string[] the patterns that match nothing
---@field young? boolean a file was written so shortly before that it may be written again
---  without a change of its time: the stamp is not to be trusted later
---@field problem? string what could not be read; the stamp is then never the same again

---Looks at all files of many jobs, on all cores. A job's own outputs are not its inputs.
---@async
---@param jobs orch.Job[]
---@param folder? string of the project; the task's folder
---@param brief? boolean a look that has nothing to tell but its stamp is that string
---@return {inputs: orch.pipeline.Look|string|nil, outputs: orch.pipeline.Look|string|nil}[]
---  looks one per job, nil where a job has no such files; raises kind `usage` for a pattern
---  that is none
function inputs.look(jobs, folder, brief)
  folder = folder or place.cwd()
  local groups, excludes, n = {}, {}, 0
  for i = 1, #jobs do
    local job = jobs[i]
    local ins, outs = job.inputs, job.outputs
    local has_outputs = outs and outs[1]
    if ins and ins[1] then
      n = n + 1
      groups[n], excludes[n] = ins, has_outputs and outs or nil
    end
    if has_outputs then
      n = n + 1
      groups[n] = outs
    end
  end
  local looks = n > 0 and core.look(folder, groups, excludes, preparer(folder), brief) or groups
  local out, at = {}, 1
  for i = 1, #jobs do
    local job, ins, outs = jobs[i], nil, nil
    if at <= n and groups[at] == job.inputs then ins, at = looks[at], at + 1 end
    if at <= n and groups[at] == job.outputs then outs, at = looks[at], at + 1 end
    out[i] = { inputs = ins, outputs = outs }
  end
  return out
end

---@param look orch.pipeline.Look|string
---@return string stamp
function inputs.stamp(look)
  return look.stamp or look
end

---Lists the files that patterns find, with their contents as fingerprints. What `known`
---has with the same size and time is not read again, unless it was so young then that it
---may have been written twice within one tick of the file system's clock.
---@async
---@param patterns string[]
---@param known? string the blob of an earlier call
---@param exclude? string[] patterns that are left out: the job's outputs
---@param folder? string of the project; the task's folder
---@return {blob: string, digest: string, files: integer, read: integer, stamp: string} detail
---  `digest`: 16 bytes over paths and contents; `stamp`: what a look would have had of the
---  very files that were read, and the same as none where one changed meanwhile; raises
---  kind `os` for what cannot be read
function inputs.detail(patterns, known, exclude, folder)
  folder = folder or place.cwd()
  if not patterns[1] then
    return { blob = "", digest = "", files = 0, read = 0, stamp = ("\0"):rep(16) }
  end
  local blob, digest, files, read, stamp =
    core.detail(folder, patterns, exclude, preparer(folder), known)
  return { blob = blob, digest = digest, files = files, read = read, stamp = stamp }
end

---What differs between two blobs of `detail`. A blob that cannot be read has no files.
---@param old string
---@param new string
---@return string[] added paths, sorted
---@return string[] removed
---@return string[] changed in content, or in whether it can be executed
function inputs.compare(old, new)
  return core.compare(old, new)
end

---The files of a blob with their sizes.
---@param blob string
---@param limit integer
---@return {[1]: string, [2]: integer}[] files {path, bytes}, sorted, the first `limit`
---@return integer count of all
function inputs.sizes(blob, limit)
  return core.sizes(blob, limit)
end

return inputs
