# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
