--- The methods of what can be asked: called without the colon, or by a wrong name, they
--- say so.
---
---     method.guard(Provider, "a provider")

local arg = require "orch.arg"

local method = {}

--- What is asked for of anybody who may have it or not.
local optional = { model = true, name = true }

local function with_self(class, name, fn)
  return function(self, ...)
    if getmetatable(self) ~= class then
      arg.fail("provider:%s is called with a colon: provider:%s(prompt), not provider.%s(prompt)",
        name, name, name)
    end
    return fn(self, ...)
  end
end

---@param class table a metatable with methods in it
---@param what string such as "a provider"
function method.guard(class, what)
  local methods, names = {}, {}
  for name, value in next, class do
    if type(value) == "function" and not name:find "^__" then
      methods[name], names[#names + 1] = with_self(class, name, value), name
    end
  end
  table.sort(names)
  function class.__index(_, key)
    local found = methods[key]
    if found or optional[key] or type(key) ~= "string" then return found end
    local near = arg.suggest(key, names)
    arg.fail("%s has no '%s'%s", what, key, near and ("; did you mean '%s'?"):format(near)
      or "; it has " .. table.concat(names, ", "))
  end
end

return method
