--- Cases of deploy.s3: each in a folder of its own, with a service of its own and no keys from
--- outside.
---
---     local case = dofile(here .. "/helper/s3_case.lua")(function(one) store = one end)
---     case("is put", function() ... end, { page = 2 })

local test = orch.test
local stores = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/helper/[^/]*$")
  .. "/stores"

---@param begin fun(store: table, folder: string)
---@return fun(name: string, fn: function, opts: table?) case
return function(begin)
  return function(name, fn, opts)
    test.it(name, function()
      local folder = test.temp_dir()
      local _ <close> = orch.cd(folder)
      local _ <close> = orch.with_env { HOME = folder, AWS_PROFILE = false, AWS_REGION = false,
        AWS_DEFAULT_REGION = false, AWS_ACCESS_KEY_ID = false, AWS_SECRET_ACCESS_KEY = false,
        AWS_SESSION_TOKEN = false, AWS_ENDPOINT_URL = false, AWS_ENDPOINT_URL_S3 = false,
        AWS_CONFIG_FILE = false, AWS_SHARED_CREDENTIALS_FILE = false }
      local store <close> = dofile(stores .. "/s3.lua").start(opts)
      begin(store, folder)
      fn()
    end)
  end
end
