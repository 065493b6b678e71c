--- The view that says nothing unless something failed.
---
---     orch run --ui quiet deploy.lua

local Quiet = {}
Quiet.__index = Quiet

function Quiet:event() end

---@param words string
function Quiet:print(words)
  self.out:write(words:sub(-1) == "\n" and words or words .. "\n")
end

---@async
function Quiet:run() end

function Quiet:pause() end

function Quiet:resume() end

---Leaves the summary of a run that did not succeed.
function Quiet:close()
  if self.closed then return end
  self.closed = true
  if self.run_model.status == "ok" then return end
  self.out:write(require("orch.view.summary").text(self.run_model, {
    folder = self.folder, color = self.out.color,
  }))
end

Quiet.__close = Quiet.close

---@param run orch.RunModel
---@param out orch.ViewOut
---@param opts {folder: string?}
return function(run, out, opts)
  return setmetatable({ run_model = run, out = out, folder = opts.folder, closed = false }, Quiet)
end
