# Write reference.csv: ICCs of two small tables by analysis of variance in base R.
#
#   Rscript tests/features/stability/make_reference.R > tests/features/stability/reference.csv
#
# Mean squares are those of anova(lm(...)); estimates and intervals follow McGraw and Wong 1996, tables 4 and 7.
tables <- list(
  judges = matrix(c(9,2,5,8, 6,1,3,2, 8,4,6,8, 7,1,2,6, 10,5,6,9, 6,2,4,7), 6, byrow = TRUE),
  sizes = matrix(c(12.1,12.4,11.8, 20.3,19.5,20.9, 8.8,9.4,9.1, 15.0,15.9,15.2, 31.2,30.1,32.8, 18.7,18.9,17.5, 25.5,26.6,24.9),
                 7, byrow = TRUE),
  nothing = matrix(c(1,5,2,4, 3,1,4,2, 2,2,5,1, 4,3,1,5, 5,4,3,3), 5, byrow = TRUE)
)
cat("table,model,icc,lower,upper,f,df1,df2,p\n")
row <- function(...) cat(sprintf("%s,\"%s\",%s\n", ..1, ..2, paste(sprintf("%.15g", c(...)[-(1:2)] |> as.numeric()), collapse = ",")))
for (name in names(tables)) {
  x <- tables[[name]]; n <- nrow(x); k <- ncol(x); a <- 0.05
  d <- data.frame(y = c(x), lesion = factor(rep(1:n, k)), rep = factor(rep(1:k, each = n)))
  two <- anova(lm(y ~ lesion + rep, d))[["Mean Sq"]]; one <- anova(lm(y ~ lesion, d))[["Mean Sq"]]
  R <- two[1]; C <- two[2]; E <- two[3]; W <- one[2]
  f <- R / W; d1 <- n - 1; d2 <- n * (k - 1)
  L <- f / qf(1 - a/2, d1, d2); U <- f * qf(1 - a/2, d2, d1)
  row(name, "1,1", (R - W) / (R + (k-1)*W), (L-1)/(L+k-1), (U-1)/(U+k-1), f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
  row(name, "1,k", (R - W) / R, 1 - 1/L, 1 - 1/U, f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
  f <- R / E; d2 <- (n - 1) * (k - 1)
  L <- f / qf(1 - a/2, d1, d2); U <- f * qf(1 - a/2, d2, d1)
  row(name, "3,1", (R - E) / (R + (k-1)*E), (L-1)/(L+k-1), (U-1)/(U+k-1), f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
  row(name, "3,k", (R - E) / R, 1 - 1/L, 1 - 1/U, f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
  r <- (R - E) / (R + (k-1)*E + k*(C - E)/n)
  # Shrout and Fleiss 1979, p. 424: another way of writing the degrees of freedom
  F2 <- C / E
  v <- (k-1)*(n-1)*(k*r*F2 + n*(1 + (k-1)*r) - k*r)^2 / ((n-1)*k^2*r^2*F2^2 + (n*(1 + (k-1)*r) - k*r)^2)
  fl <- qf(1 - a/2, n - 1, v); fu <- qf(1 - a/2, v, n - 1)
  lo <- n*(R - fl*E) / (fl*(k*C + (k*n - k - n)*E) + n*R)
  up <- n*(fu*R - E) / (k*C + (k*n - k - n)*E + n*fu*R)
  row(name, "2,1", r, lo, up, f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
  sb <- function(p) ifelse(1 + (k-1)*p > 0, k*p / (1 + (k-1)*p), -Inf)
  row(name, "2,k", sb(r), sb(lo), sb(up), f, d1, d2, pf(f, d1, d2, lower.tail = FALSE))
}
