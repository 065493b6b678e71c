--- All files of a rule that looks at the whole project.
---
---     for file in files:each() do print(file.path) end

local arg = require "orch.arg"
local checkpoint = require("orch.core.task").checkpoint
local file_class = require "orch.check.file"

---@class orch.check.Files
local methods = {}

local Files = { __name = "orch.check.files" }

function Files.__index(_, field)
  local method = methods[field]
  if method or type(field) ~= "string" or field:find "^_" or field == "path" then return method end
  local near = arg.suggest(field, arg.keys_of(methods))
  arg.fail("`files` has no '%s'%s", field, near and ("; did you mean '%s'?"):format(near)
    or "; it has " .. table.concat(arg.keys_of(methods), ", "))
end

--- `_run` is given on to the files: each may be complained about.
function Files.__len(files) return #files._list end

local function hand_out(files, file)
  if file then file._run = files._run end
  return file
end

--- So many files in one go: other tasks want to run as well.
local STRIDE = 4096

---@async
---@return async fun(): orch.check.File? next_file sorted by path
function methods:each()
  local i = 0
  return function()
    i = i + 1
    if i % STRIDE == 0 then checkpoint() end
    return hand_out(self, self._list[i])
  end
end

---@return integer
function methods:count()
  return #self._list
end

---@param path string relative to the project's folder
---@return orch.check.File?
function methods:find(path)
  if not self._by_path then
    self._by_path = {}
    for _, file in ipairs(self._list) do self._by_path[file.path] = file end
  end
  return hand_out(self, self._by_path[path])
end

---What to complain about that is none of them: a folder, or a file that should be there.
---@param path string relative to the project's folder
---@return orch.check.File
function methods:at(path)
  return self:find(path) or hand_out(self, file_class.new(path, 0, 0))
end

---What the rule's configuration says for a file; nil where no entry is for it.
---@param file orch.check.File
---@return table?
function methods:config(file)
  return self._selection:config(self._rule, file.path)
end

local project_files = {}

---@param rule orch.check.Rule
---@param selection orch.check.Selection that knows the rule
---@param list {[1]: string, [2]: integer, [3]: number}[] path, size, time
function project_files.new(rule, selection, list)
  local files = {}
  for i, one in ipairs(list) do files[i] = file_class.new(one[1], one[2], one[3]) end
  return setmetatable({ _list = files, _rule = rule, _selection = selection }, Files)
end

return project_files
