-- Writes the Lua library as one C file: embed.lua OUT FILE...
-- The text is kept as it is, so that tracebacks have the right lines.
local out = assert(io.open(arg[1], "w"))

local function quoted(text)
  return (text:gsub('[%c"\\?]', function(c)
    if c == "\n" then return '\\n"\n"' end
    return ("\\%03o"):format(c:byte())
  end))
end

out:write('/* Made by scripts/embed.lua from lua/orch. */\n#include "embedded.h"\n\n')
out:write("const struct embedded embedded_files[] = {\n")
for i = 2, #arg do
  local file = assert(io.open(arg[i], "rb"))
  local text = file:read("a")
  file:close()
  local name = arg[i]:match("lua/orch/(.+)%.lua$")
  if name ~= "init" then name = name:gsub("/init$", "") end
  out:write(('{"%s", %d,\n"%s"},\n'):format(name, #text, quoted(text)))
end
out:write("{0, 0, 0}};\n")
assert(out:close())
